"""The addresses of pictures: ids alone, and the hash of the content."""


def picture_url(run: str, layer_index: int, channel: int, content_hash: str) -> str:
    """Returns the address of a channel's strip of dataset examples.

    Args:
        run: The run's id.
        layer_index: The layer's index.
        channel: The channel's index in the layer.
        content_hash: Of the file's content; another content has another address, so that it may be kept for ever.

    Returns:
        A path on the service.
    """
    return f"/images/{run}/examples/{layer_index}-{channel}.webp?v={content_hash}"


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
