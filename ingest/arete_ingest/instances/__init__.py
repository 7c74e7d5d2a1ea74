"""Single images of a run: what each excites, where it lies among others, and a small picture of it.

`arete instances` makes them for chosen classes of a whole run folder.
"""
