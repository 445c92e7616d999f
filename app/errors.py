"""All errors that a user or an operator can fix, as one tree.

    AppError                       500 internal_error
    |- InvalidInput                422 invalid_input      the request as a whole
    |  |- EmptyText                422 empty_text
    |  |- TextTooLong              422 text_too_long      characters, before tokenizing
    |  |- TooManyTokens            422 too_many_tokens
    |  |- PairNotSupported         422 pair_not_supported
    |  |- TargetNotSupported       422 target_not_supported  a text for a decoder that the model does not have
    |  |- UnknownStack             422 unknown_stack
    |  |- UnknownLayer             422 unknown_layer
    |  |- UnknownHead              422 unknown_head
    |  |- NoAttention              422 no_attention       a layer, or a kind of attention, that the model does not have
    |  |- NoBias                   422 no_bias            of a layer that adds nothing to its scores
    |  |- NotForStack              422 not_for_stack      what has no meaning for attention from one text to another
    |  |- NoProjections            422 no_projections     what needs weights that are not known for this family
    |  |- InvalidWindow            422 invalid_window     rows, columns or cells out of range
    |- BadRequest                  400 bad_request        not HTTP, or its end is ambiguous
    |- ModelNotFound               404 model_not_found
    |- CaptureGone                 404 capture_gone
    |- KeyRefused                  401 key_refused        shared server, missing or wrong key
    |- CrossOrigin                 403 cross_origin       a request from another site's page
    |- ModelGated                  403 model_gated        the hub requires a token with access to it
    |- NotAcceptable               406 not_acceptable     no accepted format is served
    |- DownloadCancelled           409 download_cancelled a client cancelled it
    |- TooLarge                    413 too_large          an answer above the limit
    |- ModelTooLarge               413 model_too_large    above the limit of downloads or of memory
    |- BodyTooLarge                413 body_too_large     a request above the limit
    |- AddressTooLong              414 address_too_long
    |- ForeignHost                 421 foreign_host       the Host header is not a name of this server
    |- TooManyRequests             429 too_many_requests  rate limit per client, shared server
    |- HeadersTooLarge             431 headers_too_large
    |- ModelRefused                422 model_refused      the model cannot be used
    |  |- UnsupportedModel         422 unsupported_model
    |  |- UnsafeFormat             422 unsafe_format
    |  |- CorruptModel             422 corrupt_model
    |  |- WeightsDoNotFit          422 weights_do_not_fit
    |  |- ModelOutputInvalid       422 model_output_invalid
    |- DeviceMissing               503 device_missing     this machine does not have the device of --device
    |- HubUnreachable              503 hub_unreachable    and the model is not cached
    |- ClientsGone                 503 stopped            all clients have disconnected
    |- ShuttingDown                503 stopping           the server is shutting down
    |- Busy                        503 busy
    |- TooManyConnections          503 too_many_connections   open connections per client, or in all
    |- Deadline                    504 deadline           took longer than HEADSCOPE_RUN_SECONDS
    |- DiskFull                    507 disk_full
    |- ShapeMismatch               500 shape_mismatch     two tensors of incompatible shapes
    |- UnknownHook                 500 unknown_hook

A message names the value, the limit and what to do.
"""

from collections.abc import Sequence
from typing import ClassVar

# What clients are told of a bug.
INTERNAL = "internal error: the server's log has the details"
MAX_LISTED = 8  # names in a message


class AppError(Exception):
    """`code`, `status`, `title` and `headers` of the response, and the message as `detail`."""

    code = "internal_error"
    status = 500
    title = "Internal error"
    headers: ClassVar[dict[str, str]] = {}

    @property
    def detail(self) -> str:
        """Printable and short: it may name something in a file or a request of others."""
        message = str(self.args[0]) if self.args else self.title
        return shortened(with_escapes(shortened(message)))


def shortened(text: str, most: int = 1000) -> str:
    """The text; of a longer one, the beginning and the end, because a message ends with the way out."""
    return text if len(text) <= most else f"{text[: most * 2 // 3]} [...] {text[-most // 4 :]}"


def listed(names: Sequence[object], most: int = MAX_LISTED) -> str:
    """The names as words: "1, 4 and 7"; after the first `most`, how many more there are."""
    words = [*map(str, names)] if len(names) <= most else [*map(str, names[:most]), f"{len(names) - most:,} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def with_escapes(text: str) -> str:
    """The text with line breaks, control characters and what UTF-8 cannot encode as escapes, as `repr` shows them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class InvalidInput(AppError, ValueError):
    code, status, title = "invalid_input", 422, "Invalid input"


class EmptyText(InvalidInput):
    code, title = "empty_text", "Empty text"


class TextTooLong(InvalidInput):
    code, title = "text_too_long", "Text too long"


class TooManyTokens(InvalidInput):
    code, title = "too_many_tokens", "Too many tokens"


class PairNotSupported(InvalidInput):
    code, title = "pair_not_supported", "No sentence pairs"


class TargetNotSupported(InvalidInput):
    code, title = "target_not_supported", "No decoder over an encoder"


class UnknownStack(InvalidInput):
    code, title = "unknown_stack", "Unknown stack"


class UnknownLayer(InvalidInput):
    code, title = "unknown_layer", "Unknown layer"


class UnknownHead(InvalidInput):
    code, title = "unknown_head", "Unknown head"


class NoAttention(InvalidInput):
    code, title = "no_attention", "No attention"


class NoBias(InvalidInput):
    code, title = "no_bias", "No bias"


class NotForStack(InvalidInput):
    code, title = "not_for_stack", "No meaning for this stack"


class NoProjections(InvalidInput):
    code, title = "no_projections", "Projections not known"


class InvalidWindow(InvalidInput):
    code, title = "invalid_window", "Invalid window"


class BadRequest(AppError):
    code, status, title = "bad_request", 400, "Bad request"
    headers: ClassVar = {"Connection": "close"}


class ModelNotFound(AppError):
    code, status, title = "model_not_found", 404, "Model not found"


class CaptureGone(AppError):
    code, status, title = "capture_gone", 404, "Capture gone"


class KeyRefused(AppError):
    code, status, title = "key_refused", 401, "Key refused"
    headers: ClassVar = {"WWW-Authenticate": "Bearer"}


class CrossOrigin(AppError):
    code, status, title = "cross_origin", 403, "Cross-origin request"


class ModelGated(AppError):
    code, status, title = "model_gated", 403, "Model gated"


class DownloadCancelled(AppError):
    code, status, title = "download_cancelled", 409, "Download cancelled"


class NotAcceptable(AppError):
    code, status, title = "not_acceptable", 406, "Not acceptable"


class TooLarge(AppError):
    code, status, title = "too_large", 413, "Answer too large"


class ModelTooLarge(AppError):
    code, status, title = "model_too_large", 413, "Model too large"


class BodyTooLarge(AppError):
    code, status, title = "body_too_large", 413, "Body too large"


class AddressTooLong(AppError):
    code, status, title = "address_too_long", 414, "Address too long"


class ForeignHost(AppError):
    code, status, title = "foreign_host", 421, "Foreign host"


class TooManyRequests(AppError):
    code, status, title = "too_many_requests", 429, "Too many requests"
    headers: ClassVar = {"Retry-After": "10"}


class HeadersTooLarge(AppError):
    code, status, title = "headers_too_large", 431, "Headers too large"


class ModelRefused(AppError):
    code, status, title = "model_refused", 422, "Model refused"


class UnsupportedModel(ModelRefused):
    code, title = "unsupported_model", "Unsupported model"


class UnsafeFormat(ModelRefused):
    code, title = "unsafe_format", "Unsafe format"


class CorruptModel(ModelRefused):
    code, title = "corrupt_model", "Corrupt model"


class WeightsDoNotFit(ModelRefused):
    code, title = "weights_do_not_fit", "Weights do not fit"


class ModelOutputInvalid(ModelRefused):
    code, title = "model_output_invalid", "Model output invalid"


class DeviceMissing(AppError):
    code, status, title = "device_missing", 503, "Device missing"


class HubUnreachable(AppError):
    code, status, title = "hub_unreachable", 503, "Hub unreachable"
    headers: ClassVar = {"Retry-After": "30"}


class Deadline(AppError):
    code, status, title = "deadline", 504, "Deadline passed"


class DiskFull(AppError):
    code, status, title = "disk_full", 507, "Disk full"


class ClientsGone(AppError):
    code, status, title = "stopped", 503, "Stopped"


class ShuttingDown(AppError):
    code, status, title = "stopping", 503, "Stopping"
    headers: ClassVar = {"Retry-After": "5"}


class Busy(AppError):
    code, status, title = "busy", 503, "Busy"
    headers: ClassVar = {"Retry-After": "2"}


class TooManyConnections(AppError):
    code, status, title = "too_many_connections", 503, "Too many connections"
    headers: ClassVar = {"Retry-After": "5"}


class ShapeMismatch(AppError, ValueError):
    code, title = "shape_mismatch", "Shapes do not match"


class UnknownHook(AppError, KeyError):
    code, title = "unknown_hook", "Unknown hook point"
