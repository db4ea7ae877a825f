# What the scripts say, and how. Sourced, not run.
# shellcheck shell=bash

bold='' dim='' red='' green='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '  %s\n' "$*"; }
good() { printf '  %s%s%s\n' "$green" "$*" "$plain"; }
# Shows a command before it is run.
show() { printf '  %s$ %s%s\n' "$dim" "$*" "$plain"; }
# Puts a margin before each line.
indent() { sed -u "s/^/  ${dim}|${plain} /"; }
die() {
    printf '%s%s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}
