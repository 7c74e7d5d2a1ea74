"""How fast feature visualizations are made: channels a second in batches and one at a time, of the demo's network.

Both ways in one run, taking turns, so that a busy machine slows both. `--layer`, `--channels` and `--steps` change the
work. Prints the machine and versions; judges nothing.
"""

import argparse
import os
import platform
import time

import torch

from arete_ingest.demo import WEIGHTS
from arete_ingest.features.objective import LayerModel
from arete_ingest.features.optimize import Method, visualize
from arete_ingest.models import load_model
from arete_ingest.tracing import trace_model


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layer", default="mixed4a")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--diversity", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    loaded = load_model("arete_ingest.demo.network:build", str(WEIGHTS))
    graph = trace_model(loaded.module, loaded.transform.image_size)
    layer = next(one for one in graph.layers if one.name == options.layer)
    device = torch.device(options.device)
    model = LayerModel(graph, layer.index, loaded.transform.mean, loaded.transform.std, device)
    method = Method(size=options.size, steps=options.steps, diversity=options.diversity)
    channels = list(range(options.channels))

    def seconds(batches: list[list[int]]) -> float:
        started = time.perf_counter()
        for batch in batches:
            visualize(model, layer.name, batch, method, device)
        return time.perf_counter() - started

    seconds([channels[:1]])
    together, alone = [], []
    for _ in range(options.rounds):
        together.append(seconds([channels]))
        alone.append(seconds([[channel] for channel in channels]))
    name = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()}, {os.cpu_count()} cores"
    )
    print(f"{name}, {torch.get_num_threads()} threads; torch {torch.__version__}, Python {platform.python_version()}")
    print(
        f"{layer.name}: {len(channels)} channels, {1 + options.diversity} pictures each of "
        f"{options.size} × {options.size}, {options.steps} steps"
    )
    rates = [len(channels) / min(times) for times in (together, alone)]
    print(f"in one batch {rates[0]:.2f} channels/s, one at a time {rates[1]:.2f}, ratio {rates[0] / rates[1]:.2f}")


if __name__ == "__main__":
    main()
