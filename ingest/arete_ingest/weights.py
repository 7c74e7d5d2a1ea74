"""Weight files: opened without running anything that is in them, and checked before they are used.

Two kinds are read, told apart by content: safetensors, and what `torch.save(model.state_dict(), file)` writes. The
second is a pickle and is only ever opened with `weights_only=True`; a file that needs more is refused, there is no
way round. Values that are not finite are refused too, because every count made with them would be wrong in silence.
"""

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from arete_core.errors import WeightsError
from arete_core.files import sha256_of

_SHOWN = 4  # keys named in an error; the totals stand beside them
_PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every key
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # where training scripts keep the weights in a checkpoint
_SAVE_HINT = "save only the weights, with safetensors.torch.save_file(model.state_dict(), FILE), and pass that file"


@dataclass(frozen=True)
class WeightFile:
    """A weight file's content.

    Attributes:
        name: The file's name without its folder.
        tensors: By state-dict key, on the CPU.
        metadata: What a safetensors header says beside the tensors; empty for other files.
        sha256: Of the file.
    """

    name: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    sha256: str


def read_weights(path: Path) -> WeightFile:
    """Reads a weight file into memory.

    Args:
        path: A safetensors file or a state dict.

    Returns:
        Its tensors, all finite.

    Raises:
        WeightsError: If it is missing, damaged, no weight file, wants to run code, or holds NaN or infinity.
    """
    if not path.exists():
        raise WeightsError(f"weight file {path} does not exist", hint="pass --weights FILE, DEFAULT or random")
    if not path.is_file():
        raise WeightsError(f"{path} is a folder, a weight file was expected")
    try:
        digest = sha256_of(path)
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    if path.suffix == ".safetensors" or (len(head) == 9 and head[8:9] == b"{"):
        tensors, metadata = _read_safetensors(path)
    else:
        tensors, metadata = _read_state_dict(path), {}
    tensors = _without_prefix(tensors)
    broken = [key for key, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise WeightsError(
            f"{path.name} holds NaN or infinity in {_listed(broken)}",
            hint="the training went wrong, or the file is damaged; use an earlier checkpoint",
        )
    return WeightFile(path.name, tensors, metadata, digest)


def put_weights(model: nn.Module, weights: WeightFile, *, model_name: str) -> None:
    """Copies a file's tensors into a model, all of them or none.

    Args:
        model: The model; changed in place.
        weights: The file.
        model_name: For the message.

    Raises:
        WeightsError: If a key is missing, left over or of another shape; the message names the first few of each and
            how many there are.
    """
    own = model.state_dict()
    # Files from before PyTorch 0.4.1 lack these counters; only training reads them.
    missing = [key for key in own if key not in weights.tensors and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in weights.tensors if key not in own]
    reshaped = [
        f"{key} (model {_shape(own[key])}, file {_shape(value)})"
        for key, value in weights.tensors.items()
        if key in own and own[key].shape != value.shape
    ]
    quantized = [
        key
        for key, value in weights.tensors.items()
        if key in own and own[key].is_floating_point() and not value.is_floating_point()
    ]
    faults = [
        f"{len(keys)} {what}: {_listed(keys)}"
        for what, keys in (
            ("missing in the file", missing),
            ("not in the model", unexpected),
            ("of another shape", reshaped),
            ("integers where the model has fractions", quantized),
        )
        if keys
    ]
    if faults:
        raise WeightsError(
            f"the weights in {weights.name} are not those of {model_name} "
            f"({len(weights.tensors)} keys in the file, {len(own)} in the model); " + "; ".join(faults),
            hint="check --model: the weights belong to another architecture or another version of it",
        )
    model.load_state_dict(dict(weights.tensors), strict=False)


def state_sha256(model: nn.Module) -> str:
    """Returns the sha256 over a model's sorted state-dict keys, types, shapes and values."""
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, ValueError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"{path.name} is no whole safetensors file: {error}",
            hint="it is truncated or damaged: copy or download it again",
        ) from error


def _read_state_dict(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of ends in an error anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL\s+([\w.]+)", str(error))
        what = f"wants to run {found[1]}" if found else "is a pickle of something else than tensors"
        raise WeightsError(
            f"{path.name} {what} while it is opened, so it was refused and nothing of it was run", hint=_SAVE_HINT
        ) from error
    except Exception as error:  # what torch's zip and pickle readers raise on damaged files is not documented
        if "TorchScript" in str(error):
            raise WeightsError(
                f"{path.name} is a TorchScript program, not only weights; it was refused and nothing of it was run",
                hint=_SAVE_HINT,
            ) from error
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path.name} holds {type(content).__name__}, a state dict was expected", hint=_SAVE_HINT)
    strange = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if strange:
        raise WeightsError(f"{path.name} is no state dict: {_listed(strange)} are no tensors", hint=_SAVE_HINT)
    return {str(key): value for key, value in content.items()}


def _damaged(path: Path, reason: str) -> WeightsError:
    first = next((line for line in reason.splitlines() if line.strip()), "no reason given")
    return WeightsError(
        f"{path.name} is no weight file that can be opened: {first[:200]}",
        hint="a safetensors file or a state dict saved by torch.save is expected; copy or download it again",
    )


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if tensors and all(key.startswith(prefix) for key in tensors):
            tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    return tensors


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more


def _shape(tensor: Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape) or "scalar"


def metadata_value(metadata: Mapping[str, str], key: str, *, name: str) -> object:
    """Returns a metadata entry read as JSON, or a comma-separated one as a list of numbers; None where it is absent.

    Args:
        metadata: Of a safetensors file: text by key.
        key: The entry.
        name: The weight file's name, for the message.

    Returns:
        Any JSON value.

    Raises:
        WeightsError: If it is neither.
    """
    if key not in metadata:
        return None
    text = metadata[key]
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise WeightsError(f"metadata {key!r} of {name} is neither JSON nor numbers: {text[:80]!r}") from error
