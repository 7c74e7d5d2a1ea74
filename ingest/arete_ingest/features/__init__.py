"""Feature visualizations: what a channel looks for, as pictures that excite it most [olah2017feature].

`job` makes them for a run folder; `parametrization`, `transforms`, `objective` and `optimize` are the method.
"""
