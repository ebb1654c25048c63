"""What click refuses, in the words of all other errors: where, what was found, what is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from firelane.cli.support.former import former_spelling
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

OUTPUT = "-o"           #: all lines that speak of it call it so
_NO_CHOICE = re.compile(r"'(.*)' is not one of ")
_NO_COMMAND = re.compile(r"No such command '(.*?)'")


def usage_error(problem: click.ClickException, words: Sequence[str]) -> ConfigError:
    """The error of a command line, whose words are given for a look at former spellings."""
    command, *behind = words or [""]
    if former := former_spelling(command, behind, problem.format_message()):
        return former
    if isinstance(problem, click.BadOptionUsage):           # which click raises without a context
        found = "it takes no value" if "does not take" in problem.message else "its value is missing"
        return ConfigError(problem.option_name, found, hint=f"see `firelane {command} --help`")
    if not isinstance(problem, click.UsageError) or problem.ctx is None:
        return ConfigError("firelane", _sentence(problem.format_message()), hint="see `firelane --help`")
    return _error(problem, problem.ctx)


def _error(problem: click.UsageError, ctx: click.Context) -> ConfigError:
    more = f"see `{ctx.command_path} --help`"
    if isinstance(problem, click.NoSuchOption):
        known = [name for param in ctx.command.get_params(ctx) if isinstance(param, click.Option)
                 for name in (*param.opts, *param.secondary_opts) if name.startswith("--")]
        return ConfigError(problem.option_name, f"no such option of `{ctx.command_path}`",
                           hint=hint(problem.option_name, known, more))
    if isinstance(problem, click.MissingParameter) and problem.param is not None:
        if isinstance(problem.param, click.Argument):
            return ConfigError(_name(problem.param, ctx), "it is missing", hint=ctx.command.get_usage(ctx).partition(
                ": ")[2])
        return ConfigError(_name(problem.param, ctx), "it is missing", hint=more)
    if isinstance(problem, click.BadParameter) and problem.param is not None:
        return _bad_value(problem, problem.param, ctx)
    if isinstance(ctx.command, click.Group) and (found := _NO_COMMAND.search(problem.message)):
        return ConfigError(found[1], f"no such command of `{ctx.command_path}`",
                           hint=hint(found[1], ctx.command.list_commands(ctx), more))
    return ConfigError(ctx.command_path, _sentence(problem.message), hint=more)


def _bad_value(problem: click.BadParameter, param: click.Parameter, ctx: click.Context) -> ConfigError:
    where, found = _name(param, ctx), _NO_CHOICE.match(problem.message)
    if found and isinstance(param.type, click.Choice):
        return ConfigError(where, f"{found[1]!r}", hint=hint(found[1], map(str, param.type.choices)))
    return ConfigError(where, _sentence(problem.message))


def _name(param: click.Parameter, ctx: click.Context) -> str:
    """What a user types: the long option but for -o, or the argument as the help has it."""
    if isinstance(param, click.Argument):
        return param.make_metavar(ctx).strip("[].")
    return OUTPUT if OUTPUT in param.opts else max(param.opts, key=len)


def _sentence(message: str) -> str:
    """A part of a line, of what click ends with a full stop."""
    text = " ".join(message.split()).rstrip(".")
    return text[:1].lower() + text[1:]
