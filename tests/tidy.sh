#!/usr/bin/env bash
# Holds the tree to what no compiler checks: include fences, integers only, the pure part without clock or files, ARCHITECTURE.md
# naming what exists, tests that are registered, links that lead somewhere, no leftovers. Changes nothing; prints every finding.
# Patterns have a bracket in the middle so that this file does not find itself.
# No -e: a grep without a hit is the good case. lastpipe: found() counts in this shell, not in a pipe's.
set -u
shopt -s lastpipe
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export LC_ALL=C.UTF-8

findings=0
# found TITLE: the lines on standard input, when there are any, are a finding.
found() {
	local lines
	lines=$(sed 's/^/  /' | head -n 20)
	[ -n "$lines" ] || return 0
	findings=$((findings + 1))
	printf '%s:\n%s\n\n' "$1" "$lines"
}

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	mapfile -t files < <(git ls-files -co --exclude-standard | sort -u | while read -r f; do [ ! -f "$f" ] || echo "$f"; done)
else
	mapfile -t files < <(find . -path './build*' -prune -o -type f -print | sed 's|^\./||' | sort)
fi
# select REGEX: our files whose path matches.
select_files() { printf '%s\n' "${files[@]}" | grep -E "$1"; }
# grep_in PATH-REGEX PATTERN: hits as file:line:text.
grep_in() { select_files "$1" | xargs -r -d '\n' grep -nHIE "$2" | cut -c1-160; }
# The same without C comments and strings.
grep_code() {
	local file
	select_files "$1" | while read -r file; do
		gcc -fpreprocessed -dD -E -P -x c "$file" 2>/dev/null | sed 's/"[^"]*"/""/g' | grep -E "$2" | sed "s|^|$file: |"
	done
}
outside() { grep -vE "$1"; }

ours='^(daemon|proto|client|include)/.*\.[ch]$'
pure='^(proto/[a-z_]+|daemon/(vec|record|units|measures|plans|rates|agents|lines|declarations|registry|facts|liveness|coverage|events|fold)|client/sheet/(human|decimal|sheet_style))\.[ch]$'

grep_in "$ours" '#include[ ]*[<"]lmdb\.h' | outside '^daemon/(log|history)[a-z_]*\.[ch]:' |
	found '<lmdb.h> outside daemon/log and daemon/history'
grep_in "$ours" '#include[ ]*[<"]zmq\.h' | outside '^(daemon/sockets[a-z_]*\.[ch]|client/(lib|bench)/[a-z_]*\.[ch]):' |
	found '<zmq.h> outside daemon/sockets, client/lib and client/bench'
grep_in "$ours" '#include[ ]*[<"][^>"]*\.pb-c\.h' | outside '^proto/wire\.c:' |
	found 'generated protobuf headers outside proto/wire.c'
grep_in "$ours" '#include[ ]*[<"](zip|expat|csv)\.h' | outside '^client/sheet/sheet_(archive|csv)\.c:' |
	found 'readers of strangers'"'"' files outside client/sheet'
grep_in "$ours" '#include[ ]*[<"]seccomp\.h' | outside '^client/sheet/sheet_sandbox\.c:' | found '<seccomp.h> outside client/sheet/sheet_sandbox.c'
grep_code '^(daemon|proto|include)/.*\.[ch]$' '\b(float|double)\b' | found 'floating point in daemon, proto or include'
select_files '\.proto$' | xargs -r sed 's|//.*||' | grep -nE '\b(float|double)\b' | found 'floating point on the wire'
grep_code "$pure" '\b(clock_gettime|gettimeofday|time|fopen|printf|fprintf|getenv|rand|random|randombytes_[a-z]+)[ ]*\(' |
	found 'clock, files or randomness in the pure part'
grep_in "$pure" '#include[ ]*<(time|fcntl|unistd|pthread|signal|sys/(stat|mman|random|socket|time|file))\.h>' | found 'system headers in the pure part'
grep_code "$ours" '\b(strcpy|strcat|sprintf|gets|alloca|strtok)[ ]*\(' | found 'functions that cannot be bounded'

grep_in '^(daemon|proto|client|include|tests|script|systemd|docs|examples|po|\.ci)/|^[^/]+$' \
	'\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b|\bfor[ ]now\b|simpl[i]fied version|not impl[e]mented|pl[a]ceholder' | found 'leftovers'
grep_in '.' '(^|[^A-Za-z0-9_.])/([w]ork|[f]arm|[h]ome|[r]oot)/' | found "paths of somebody's machine"
grep_in '.' '\b(design|domain|hazards|style|ecosystem|torture)[.]md\b' | found 'documents that are not in this tree'

# ARCHITECTURE.md names each file as `daemon/fold.c`, `daemon/fold.[ch]` or `client/cli/writer_*.c`, and nothing that does not exist.
if [ -f ARCHITECTURE.md ]; then
	# shellcheck disable=SC2016 # backticks of Markdown
	named=$(grep -oE '`[^` ]+`' ARCHITECTURE.md | tr -d '`' | sed -E 's|^(.*)\.\[ch\]$|\1.c\n\1.h|' | sort -u)
	# shellcheck disable=SC2046,SC2086 # the patterns are expanded on purpose
	expanded=$(printf '%s\n' $(grep -E '^(daemon|proto|client|include)/' <<<"$named"))
	select_files '^(daemon|proto|client|include)/.*\.(c|h|proto)$' | grep -vxF "$expanded" | found 'files that ARCHITECTURE.md does not name'
	grep -E '^(daemon|proto|client|include|tests|script|systemd|docs|examples|po)/[A-Za-z0-9_./-]*[A-Za-z0-9_]$' <<<"$named" |
		while read -r path; do [ -e "$path" ] || echo "$path"; done | found 'paths in ARCHITECTURE.md that do not exist'
else
	echo 'ARCHITECTURE.md' | found 'missing'
fi

select_files '^(daemon|proto|client)/.*\.c$' | while read -r file; do
	cat "${file%%/*}"/CMakeLists.txt "$(dirname "$file")/CMakeLists.txt" 2>/dev/null | grep -qE "(^|[[:space:]/(])$(basename "$file")" || echo "$file"
done | found 'source files that no CMakeLists.txt builds'
select_files '^tests/(unit|property|flow|fault)/test_[a-z_]+\.(c|py|sh)$' | while read -r file; do
	name=$(basename "$file")
	grep -qE "\b${name%.*}\b" tests/CMakeLists.txt || echo "$file"
done | found 'tests that tests/CMakeLists.txt does not run'

select_files '\.md$' | while read -r file; do
	grep -oE '\]\([^)#: ]+[)#]' "$file" | sed -E 's/^\]\(//; s/[)#]$//' | while read -r link; do
		[ -e "$(dirname "$file")/$link" ] || echo "$file: $link"
	done
done | found 'links that lead nowhere'

if command -v clang-format >/dev/null; then
	select_files '\.[ch]$' | xargs -r -d '\n' clang-format --dry-run -Werror 2>&1 | grep 'error:' | cut -c1-160 |
		found 'not as .clang-format has it (clang-format -i)'
fi
if command -v shellcheck >/dev/null; then
	{ select_files '\.sh$'; select_files '^(script|\.ci)/[a-z-]+$'; } | xargs -r -d '\n' shellcheck -f gcc 2>&1 |
		found 'shellcheck'
fi

if [ "$findings" -gt 0 ]; then
	echo "tidy: $findings kinds of findings"
	exit 1
fi
echo 'tidy: nothing found'
