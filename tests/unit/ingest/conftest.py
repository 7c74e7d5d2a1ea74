"""One thread for torch: the networks are tiny, and more threads only wait for each other."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    torch.set_num_threads(1)
