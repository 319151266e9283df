"""What reaches for more than files of the repository is refused in one harmless line."""

from __future__ import annotations

import pytest

from repoint.errors import UsageError
from repoint.model.receipt import Receipt, ReceiptFile
from repoint.planning.bounds import check_receipt

OUTSIDE = ("../x", "/x", "a/../b", "", "a//b", ".git/config", "s/.GIT/x", ".repoint/lock", "a\0b")


def receipt(
    path: str = "a/b.yaml", environment: str = "dev", made: tuple[str, ...] = ()
) -> Receipt:
    return Receipt(1, "0", environment, (ReceiptFile(path, "f", "", "0" * 64, made_dirs=made),))


def test_a_receipt_of_the_repositorys_own_files_passes() -> None:
    check_receipt(receipt())
    check_receipt(receipt("a/.github/b.yaml", "eu-1.live", ("a", "a/.github")))


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_is_not_the_repositorys_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="this receipt is refused: file"):
        check_receipt(receipt(path))


@pytest.mark.parametrize("folder", ["..", "b", "a/b.yaml", ""])
def test_a_folder_that_is_not_above_is_refused(folder: str) -> None:
    with pytest.raises(UsageError, match="is not above"):
        check_receipt(receipt(made=(folder,)))


def test_a_name_is_shown_harmlessly_and_short() -> None:
    with pytest.raises(UsageError) as refused:
        check_receipt(receipt(environment="\x1b[31m`" + "x" * 500))
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200
