"""compiler.schedule.remedies: what is offered where a network does not fit."""

import re
from dataclasses import replace

import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import chain_of_fires

CFG = EngineConfig(banks=2, weight_words=1 << 16, program_words=1 << 13)


@pytest.mark.parametrize("words, offered", [(48, ["activation_words"]), (120, ["activation_words", "banks"])])
def test_what_does_not_fit_is_named_with_what_would(words, offered):
    """Everything that is offered fits."""
    small = replace(CFG, activation_words=words)
    with pytest.raises(CapacityError) as caught:
        compile_graph(chain_of_fires(), small)
    message = re.fullmatch(rf"layer 'conv\d+': needs [\d,]+ words of activation memory at tile \d+, there are {words} "
                           r"\(live: .*\); ((?:--[\w-]+ \d+ or )*)a smaller input would help", str(caught.value))
    options = dict(option.removeprefix("--").replace("-", "_").split() for option in message[1].split(" or ") if option)
    assert list(options) == offered
    for name, value in options.items():
        compile_graph(chain_of_fires(), replace(small, **{name: int(value)}))
    compile_graph(chain_of_fires(size=4), small)
