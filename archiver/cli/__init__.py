"""The command line: the one floor that parses arguments and prints.

main, registry            find the command by a static table and import its module alone; `overview` is `archiver --help`
parser, completion        the parser, and the scripts that shells complete words by
commands/                 one module a command
context, runtime          put the parts together: keys behind their ports, the engine, Ctrl-C
pager, meaning, placing   long answers on a terminal; what is asked before something is signed
arguments, filters, moments   options that several commands share, and dates as people give them; `capture_options`
console, terminal, text   what is printed: lines, JSON, colour, values in words
analysis, annotating, batch_report, copying, entries    what several commands do alike
setup_wizard              the questions of the first run
"""
