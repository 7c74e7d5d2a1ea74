"""The bundled demo: drawings whose parts are known, and a small Inception-style network that tells them apart.

`drawings` makes the pictures, `dataset` writes them as class folders, `network` holds the architecture and the
committed weights, `train` makes those weights. Importing this package imports none of them, nor torch.
"""

from pathlib import Path

WEIGHTS = Path(__file__).with_name("weights.safetensors")
"""The committed weights of `arete_ingest.demo.network:build`."""
