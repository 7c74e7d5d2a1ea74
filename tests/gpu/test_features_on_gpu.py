"""Feature visualizations are made on a GPU too, and show what they show on the CPU."""

import numpy as np
import pytest
import torch

from arete_ingest.demo.network import demo_metadata, demo_model
from arete_ingest.features.objective import LayerModel
from arete_ingest.features.optimize import Method, visualize
from arete_ingest.tracing import trace_model

pytestmark = pytest.mark.gpu


def test_pictures_made_on_a_gpu_excite_their_channels_as_much() -> None:
    graph, metadata = trace_model(demo_model(), 64), demo_metadata()
    peaks = []
    for name in ("cpu", "cuda"):
        device = torch.device(name)
        model = LayerModel(graph, 2, metadata.mean, metadata.std, device)
        found = visualize(model, graph.layers[2].name, [3, 9, 40], Method(size=64, steps=32), device)
        assert found is not None
        assert [one.error for one in found] == [None] * 3
        assert all(one.tiles.shape[1:] == (64, 64, 3) for one in found)
        peaks.append([one.activation for one in found])
    # The same start and the same changes; rounding grows over the steps.
    np.testing.assert_allclose(peaks[0], peaks[1], rtol=0.25)
