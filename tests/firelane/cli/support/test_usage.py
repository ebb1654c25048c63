"""What the command line refuses is said as all other errors are: one line, where, what, and what to do."""

import pytest

from firelane.cli.main import main


@pytest.mark.parametrize("words, said", [
    (["compil"], "compil: no such command of `firelane`; did you mean compile?"),
    (["fly"], "fly: no such command of `firelane`; see `firelane --help`"),
    (["import", "deep-compresion"], "deep-compresion: no such command of `firelane import`; did you mean "
                                    "deep-compression?"),
    (["--vers"], "--vers: no such option of `firelane`; did you mean --version?"),
    (["compile"], "MODEL: it is missing; firelane compile [OPTIONS] MODEL"),
    (["run", "a.png"], "--port: it is missing; see `firelane run --help`"),
    (["compile", "digits", "--baord", "x"], "--baord: no such option of `firelane compile`; did you mean --board?"),
    (["compile", "digits", "--no-chek"], "--no-chek: no such option of `firelane compile`; did you mean --no-check?"),
    (["compile", "digits", "--zzz"], "--zzz: no such option of `firelane compile`; see `firelane compile --help`"),
    (["compile", "digits", "--board"], "--board: its value is missing; see `firelane compile --help`"),
    (["compile", "digits", "--banks", "x"], "--banks: 'x' is not a valid integer"),
    (["compile", "digits", "--preset", "imagnet"], "--preset: 'imagnet'; did you mean imagenet?"),
    (["compile", "digits", "--preset", "?"], "--preset: '?'; one of imagenet, torchvision, caffe, gray, raw"),
    (["compile", "a", "b", "c"], "firelane compile: got unexpected extra arguments (b c); see `firelane compile "
                                 "--help`"),
    (["boards", "--json=x"], "--json: it takes no value; see `firelane boards --help`"),
    (["compile", "dgits"], "model: dgits: no such network; did you mean digits?"),
    (["compile", "nett.onnx"], "nett.onnx: No such file or directory; did you mean net.onnx?"),
    (["compile", "squeezing.onnx"], "squeezing.onnx: No such file or directory; give the path of an .onnx file"),
    (["estimate", ""], "MODEL: it is empty; a variable of the shell that is not set?"),
    (["estimate", "digits", "--board", ""], "--board: it is empty; a variable of the shell that is not set?"),
    (["estimate", f"{'x' * 300}.onnx"], f"{'x' * 300}.onnx: File name too long; give the path of an .onnx file"),
    (["evaluate", "digits", "--images", "x" * 300], f"{'x' * 300}: File name too long; look at how it is spelt, and "
                                                    "who may read it"),
    (["estimate", "squeeze.pt"], "squeeze.pt: No such file or directory; export the network from PyTorch: "
                             "torch.onnx.export(model.eval(), (image,), 'net.onnx')"),
    (["compile", "loop.onnx"], "loop.onnx: Too many levels of symbolic links; give the path of an .onnx file"),
    (["bench", "--only", "squeezenet"], "--only: squeezenet: no such measurement; did you mean squeezenet1.0 or "
                                        "squeezenet1.1?"),
    (["compile", "digits", "--board", "ulx3s85f"], "--board: unknown board 'ulx3s85f'; did you mean ulx3s_85f?"),
])
def test_one_line(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").touch()
    (tmp_path / "loop.onnx").symlink_to("loop.onnx")
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"error: {said}\n")


@pytest.mark.parametrize("words", [[], ["import"]])
def test_a_group_alone_shows_its_commands(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"Usage: {' '.join(['firelane', *words])} [OPTIONS] COMMAND")
