"""Images and a model to a run folder: tracing, counting, examples. Never speaks to a database."""
