#!/usr/bin/env bash
# Every text of the command line and of the field office has a Vietnamese one: no message missing, fuzzy, or left over in po/vi.po.
# usage: test_translations.sh (from anywhere)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find client/cli client/words client/agent client/sheet -name '*.[ch]' 2>/dev/null | sort >"$work/files" || true
xgettext --from-code=UTF-8 -k_ -kN_ --no-location -o "$work/baophu.pot" -f "$work/files"
msgmerge -q --no-fuzzy-matching -o "$work/merged.po" po/vi.po "$work/baophu.pot"
said=$(msgfmt --check-format --check-domain --statistics -o "$work/vi.mo" "$work/merged.po" 2>&1)
echo "$said"
if grep -qE 'untranslated|fuzzy' <<<"$said"; then
	echo "without a Vietnamese text:"
	msgattrib --untranslated --no-wrap "$work/merged.po" | grep '^msgid' || true
	exit 1
fi
if msgattrib --only-obsolete "$work/merged.po" | grep '^#~ msgid'; then
	echo "these are in po/vi.po and nowhere in the programs"
	exit 1
fi
