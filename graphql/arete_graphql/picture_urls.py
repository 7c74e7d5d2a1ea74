"""The addresses of pictures: `/images/{run}/{kind}/{name}.webp?v=HASH`.

A strip's name is `{layer_index}-{channel}`, an atlas's `{kind}-{layer_index}`, that of thumbnails the number of
their strip. Another content has another address, so that a picture may be kept for ever.
"""


def picture_url(run: str, layer_index: int, channel: int, content_hash: str, kind: str = "examples") -> str:
    """Returns the address of a channel's strip.

    Args:
        run: The run's id.
        layer_index: The layer's index.
        channel: The channel's index in the layer.
        content_hash: Of the file's content.
        kind: `examples` for its dataset examples, `features` for its feature visualization.

    Returns:
        A path on the service.
    """
    return f"/images/{run}/{kind}/{layer_index}-{channel}.webp?v={content_hash}"


def atlas_url(run: str, kind: str, layer_index: int, content_hash: str) -> str:
    """Returns the address of a layer's atlas.

    Args:
        run: The run's id.
        kind: `examples` or `features`.
        layer_index: The layer's index.
        content_hash: Of the file's content.

    Returns:
        A path on the service.
    """
    return f"/images/{run}/atlases/{kind}-{layer_index}.webp?v={content_hash}"


def thumbnail_url(run: str, strip: int, content_hash: str) -> str:
    """Returns the address of a strip of thumbnails.

    Args:
        run: The run's id.
        strip: The strip's number.
        content_hash: Of the file's content.

    Returns:
        A path on the service.
    """
    return f"/images/{run}/thumbnails/{strip}.webp?v={content_hash}"


def class_picture_url(run: str, class_index: int, layer_index: int, channel: int, content_hash: str) -> str:
    """Returns the address of a channel's strip of dataset examples from one class.

    Args:
        run: The run's id.
        class_index: The class's index.
        layer_index: The layer's index.
        channel: The channel's index in the layer.
        content_hash: Of the strip.

    Returns:
        A path on the service.
    """
    return f"/images/{run}/classes/{class_index}/{layer_index}-{channel}.webp?v={content_hash}"
