"""The exceptions of huggingface_hub as ours. Their messages can contain addresses and are not passed on."""

import errno
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..errors import AppError, DiskFull, HubUnreachable, ModelGated, ModelNotFound

log = logging.getLogger(__name__)

# What the code of huggingface_hub raises that reads an answer. A JSON nested too deep is a RecursionError.
ODD_ANSWER = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError)


@contextmanager
def our_errors(repo: str) -> Iterator[None]:
    """Raise our errors in place of those of huggingface_hub within the `with`."""
    try:
        yield
    except GatedRepoError:
        way_out = "accept its conditions on the hub, then start the server with HF_TOKEN set"
        raise ModelGated(f"{repo} is gated: {way_out}") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelNotFound(
            f"no model {repo!r} on this server or on the hub (a private model needs HF_TOKEN)"
        ) from None
    except RevisionNotFoundError:
        raise ModelNotFound(f"{repo!r} does not have this revision on the hub") from None
    except OfflineModeIsEnabled:
        raise HubUnreachable(f"{repo} is not in the cache, and HF_HUB_OFFLINE is set") from None
    except HfHubHTTPError as error:
        raise error_of_status(repo, error.response.status_code) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, LocalEntryNotFoundError) as error:
        raise error_of_connection(repo, error) from None
    except OSError as error:
        raise error_of_os(repo, error) from None
    except ODD_ANSWER as error:
        log.warning("an answer of the hub about %s cannot be read: %s", repo, type(error).__name__)
        raise not_the_hub(repo) from None


def error_of_status(repo: str, status: int) -> AppError:
    if status == 404:
        return ModelNotFound(f"no model {repo!r} on this server or on the hub")
    if status in (401, 403):
        return ModelGated(
            f"the hub refuses access to {repo} ({status}): start the server with an HF_TOKEN that can read it"
        )
    return HubUnreachable(f"the Hugging Face hub answers with status {status}, and {repo} is not in the cache")


def not_the_hub(repo: str) -> HubUnreachable:
    return HubUnreachable(
        f"something answers that is not the Hugging Face hub, and {repo} is not in the cache: "
        "if the network has a login page, open it in a browser; else check HF_ENDPOINT and the proxy"
    )


def error_of_connection(repo: str, error: Exception) -> AppError:
    causes = list(causes_of(error))
    if any(isinstance(cause, FileMetadataError) for cause in causes):
        return not_the_hub(repo)
    if any(isinstance(cause, ssl.SSLError) or "SSL" in str(cause) for cause in causes):
        return HubUnreachable(
            f"the secure connection (TLS) to the Hugging Face hub failed, and {repo} is not in the cache: "
            "check the clock, the proxy and the certificates of this machine (SSL_CERT_FILE)"
        )
    return HubUnreachable(
        f"the Hugging Face hub does not answer, and {repo} is not in the cache: check the network of this machine"
    )


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, the last first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def error_of_os(repo: str, error: OSError) -> AppError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"the disk is full: free some space for {repo}, or set HF_HOME to another disk")
    if "Consistency check" in str(error):
        return HubUnreachable(f"the download of {repo} was interrupted; the next try continues it")
    return HubUnreachable(
        f"the cache of the hub cannot be used ({error.strerror or type(error).__name__}), and {repo} is not in it: "
        "set HF_HOME to a folder that this server can write"
    )
