"""Trains the demo network from nothing on drawings that are made as it goes.

`python -m arete_ingest.demo.train` writes the committed weights anew. No drawing is seen twice, so the running
accuracy is one on unseen drawings; the accuracy in the file comes from the `held-out` split, which nothing else uses.
One process draws while another trains. With one thread, a machine makes the same weights from the same seed again.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from arete_core.errors import SettingError
from arete_core.files import write_bytes_atomically
from arete_ingest.demo import WEIGHTS
from arete_ingest.demo.dataset import end_with_parent
from arete_ingest.demo.drawings import CLASSES, IMAGE_SIZE, draw_batch
from arete_ingest.demo.network import DemoMetadata, DemoNetwork, build, to_input

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, the default of most tools
PEAK_RATE = 4e-3
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.05  # keeps the probabilities from saturating: the demo shows their histograms


class Settings(NamedTuple):
    """What a training run depends on.

    Attributes:
        seed: Of the drawings, the first weights and the order.
        batches: Number of steps.
        batch_size: Drawings per step.
        held_out: Drawings per class for the final accuracy.
    """

    seed: int = 7
    batches: int = 2400
    batch_size: int = 72
    held_out: int = 50


class Evaluation(NamedTuple):
    """How a network does on held-out drawings.

    Attributes:
        accuracy: Share named right, 0 to 1.
        confusions: (true class, answered class) of each mistake to how often it was made, most frequent first.
        probability: Mean probability given to the true class, 0 to 1.
        images: Number of drawings.
    """

    accuracy: float
    confusions: dict[tuple[str, str], int]
    probability: float
    images: int


def batch_numbers(settings: Settings) -> Iterator[list[tuple[int, int]]]:
    """Yields the class and drawing number of each picture of each batch: every class equally often, shuffled."""
    rng = np.random.default_rng(settings.seed)
    waiting: list[tuple[int, int]] = []
    index = 0
    for _ in range(settings.batches):
        while len(waiting) < settings.batch_size:
            waiting += [(int(class_), index) for class_ in rng.permutation(len(CLASSES))]
            index += 1
        yield waiting[: settings.batch_size]
        waiting = waiting[settings.batch_size :]


def _drawn_batches(settings: Settings) -> Iterator[tuple[np.ndarray, list[int]]]:
    """Yields images and class indices of each batch; a second process draws a few batches ahead."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent) as pool:
        ahead: deque[tuple[Future[np.ndarray], list[int]]] = deque()
        for numbers in batch_numbers(settings):
            job = pool.submit(draw_batch, numbers, seed=settings.seed, split="train")
            ahead.append((job, [class_ for class_, _ in numbers]))
            if len(ahead) > 8:
                job, targets = ahead.popleft()
                yield job.result(), targets
        for job, targets in ahead:
            yield job.result(), targets


def train(settings: Settings) -> DemoNetwork:
    """Trains a network and prints a line every 50 batches: loss, accuracy on drawings not seen before, time left.

    Raises:
        SettingError: There are fewer than 3 batches, or no drawings in one.
    """
    if settings.batches < 3 or settings.batch_size < 1:
        raise SettingError(
            f"{settings.batches} batches of {settings.batch_size} drawings cannot train",
            hint="3 or more batches of 1 or more",
        )
    torch.manual_seed(settings.seed)
    network = build().to(memory_format=torch.channels_last)  # twice as fast on a CPU
    decayed = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in network.parameters() if p.requires_grad and p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}], lr=PEAK_RATE
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=PEAK_RATE,
        total_steps=settings.batches,
        pct_start=max(0.2, 2 / settings.batches),  # the rise needs two steps, else the schedule divides by 0
        div_factor=10,
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    metadata = metadata_for(accuracy=0.0)
    started, losses, right, seen = time.monotonic(), 0.0, 0, 0
    for number, (images, targets) in enumerate(_drawn_batches(settings), start=1):
        wanted = torch.tensor(targets)
        logits = network(to_input(images, metadata).contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits, wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses += loss.item()
        right += int((logits.argmax(1) == wanted).sum())
        seen += len(targets)
        if number % 50 == 0 or number == settings.batches:
            elapsed = time.monotonic() - started
            left = elapsed / number * (settings.batches - number)
            steps = seen // settings.batch_size
            print(
                f"batch {number:5d}/{settings.batches}  loss {losses / steps:.3f}  accuracy {right / seen:.1%}"
                f"  {elapsed:.0f} s, {left:.0f} s left",
                flush=True,
            )
            losses, right, seen = 0.0, 0, 0
    return network.eval()


def evaluate(network: nn.Module, *, seed: int, per_class: int) -> Evaluation:
    """Asks a network about held-out drawings.

    Args:
        network: Takes what `to_input` makes, answers one logit per class.
        seed: Seed of the drawings.
        per_class: Drawings per class.
    """
    metadata = metadata_for(accuracy=0.0)
    confusions: Counter[tuple[str, str]] = Counter()
    right, probability = 0, 0.0
    for class_, composition in enumerate(CLASSES):
        images = draw_batch([(class_, index) for index in range(per_class)], seed=seed, split="held-out")
        with torch.inference_mode():
            probabilities = network(to_input(images, metadata)).softmax(1)
        probability += float(probabilities[:, class_].sum())
        for answer in probabilities.argmax(1).tolist():
            right += answer == class_
            if answer != class_:
                confusions[composition.name, CLASSES[answer].name] += 1
    images_seen = per_class * len(CLASSES)
    return Evaluation(right / images_seen, dict(confusions.most_common()), probability / images_seen, images_seen)


def metadata_for(*, accuracy: float) -> DemoMetadata:
    """Returns what the weight file says about itself, given the accuracy on held-out drawings, 0 to 1."""
    return DemoMetadata(MEAN, STD, IMAGE_SIZE, tuple(composition.name for composition in CLASSES), accuracy)


def write_weights(network: DemoNetwork, path: Path, *, accuracy: float) -> None:
    """Writes a network's weights as float32 safetensors with the demo's metadata, atomically."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes_atomically(path, save(tensors, metadata=metadata_for(accuracy=accuracy).to_strings()))


def main(arguments: list[str] | None = None) -> int:
    """Trains, evaluates and writes the weights; returns 0, or 1 if the accuracy is below 95%."""
    parser = argparse.ArgumentParser(description="Train the demo network on fresh drawings.")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the weights (default: the package)")
    parser.add_argument("--seed", type=int, default=Settings().seed, help="seed of drawings and weights (default: 7)")
    parser.add_argument("--batches", type=int, default=Settings().batches, help="training steps (default: 2400)")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads that train, beside the one that draws (default: 1)"
    )
    parser.add_argument(
        "--held-out", type=int, default=Settings().held_out, help="drawings per class for the accuracy (default: 50)"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = Settings(seed=options.seed, batches=options.batches, held_out=options.held_out)
    network = train(settings)
    result = evaluate(network, seed=settings.seed, per_class=settings.held_out)
    print(
        f"held-out accuracy {result.accuracy:.2%} on {result.images} drawings,"
        f" mean probability of the true class {result.probability:.3f}"
    )
    for (true, answer), count in result.confusions.items():
        print(f"  {count} x {true} taken for {answer}")
    write_weights(network, options.out, accuracy=round(result.accuracy, 4))
    print(f"wrote {options.out} ({options.out.stat().st_size / 1e6:.2f} MB)")
    return 0 if result.accuracy >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
