"""A folder is written all at once or not at all."""

import pytest

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.work_folder import all_or_nothing


def test_a_failed_build_leaves_the_old_one_and_its_own_logs(tmp_path):
    folder = tmp_path / "build"
    with all_or_nothing(folder) as work:
        (work / "top.bit").write_text("old")
    with pytest.raises(RuntimeError), all_or_nothing(folder) as work:
        (work / "yosys.log").write_text("why")
        raise RuntimeError
    assert (folder / "top.bit").read_text() == "old"
    assert (tmp_path / "build.failed" / "yosys.log").read_text() == "why"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "build.failed"]


def test_an_error_names_the_log_where_it_is_now(tmp_path):
    log = tmp_path / "build.failed" / "yosys.log"
    with pytest.raises(ConfigError, match=f"^yosys: failed; the whole output is in {log}$"), \
            all_or_nothing(tmp_path / "build") as work:
        raise ConfigError("yosys", "failed", hint=f"the whole output is in {work / 'yosys.log'}")


def test_an_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written: .*; choose another folder with -o$"), \
            all_or_nothing(tmp_path / "file" / "build"):
        pass
