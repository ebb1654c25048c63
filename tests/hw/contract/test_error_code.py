"""Every error has a text."""

from firelane.hw.contract.error_code import ErrorCode, describe


def test_every_code_has_a_text_of_its_own():
    texts = {describe(code) for code in ErrorCode}
    assert len(texts) == len(ErrorCode)


def test_text_names_the_instruction_only_where_there_is_one():
    assert describe(ErrorCode.BAD_CODE, 17).endswith("(instruction at program word 17)")
    assert "17" not in describe(ErrorCode.WEIGHT_CRC, 17)
    assert describe(200) == "unknown error code 200"
