/* commands.c - what `baophu` can do: its table of commands. How a row becomes parsing and help is in command.c. */
#include "commands.h"

#include "language.h"
#include "options.h"

#define BIT OPTION_BIT

/* What a question about figures can say. */
#define AXES                                                                                                                     \
	(BIT(OPTION_AS_OF) | BIT(OPTION_SINCE) | BIT(OPTION_KNOWN) | BIT(OPTION_TREE) | BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | \
	 BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_DECIMALS) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY))
#define ADMINISTRATION (BIT(OPTION_CONTROL) | BIT(OPTION_JOURNAL))
#define IMPORT (BIT(OPTION_NUMBERS) | BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY))

static const struct command commands[] = {
	{ "coverage", "show", "UNIT", 1, 1, AXES | BIT(OPTION_DEPTH), coverage_show,
	  N_("figures, plans and shares of a unit and of the units below it"),
	  "baophu coverage show 92\n"
	  "baophu coverage show 'Cần Thơ' --as-of 30/04/2024 --depth 0\n"
	  "baophu coverage show 481 --measure bhxh_tn --since 2018-12-31\n"
	  "baophu coverage show 92 -o csv --excel > can-tho.csv" },
	{ "coverage", "behind", "UNIT --plan CODE", 1, 1, AXES | BIT(OPTION_DEPTH), coverage_behind,
	  N_("which units below it have met a plan, which are behind, and who has not reported"),
	  "baophu coverage behind 481 --plan nam-2019\n"
	  "baophu coverage behind 92 --plan nam-2024 --measure bhyt -o json" },
	{ "coverage", "rank", "UNIT", 1, 1, AXES | BIT(OPTION_DEPTH), coverage_rank,
	  N_("the units below it in order of what they have reached"),
	  "baophu coverage rank VN --plan nam-2024\n"
	  "baophu coverage rank 481 --plan nam-2019 --measure bhxh_tn --decimals 1" },
	{ "coverage", "history", "UNIT", 1, 1,
	  BIT(OPTION_MEASURE) | BIT(OPTION_KNOWN) | BIT(OPTION_TREE) | BIT(OPTION_AS_OF) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  coverage_history, N_("every figure ever reported for a unit, who sent it, and which one stands"),
	  "baophu coverage history 927 --measure bhxh_tn" },
	{ "coverage", "watch", "UNIT", 1, 1,
	  BIT(OPTION_DEPTH) | BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | BIT(OPTION_DECIMALS) | BIT(OPTION_ONCE) | BIT(OPTION_ASCII) |
	      BIT(OPTION_RANK) | BIT(OPTION_QUERY) | BIT(OPTION_PUBLISH),
	  coverage_watch, N_("the snapshot of a unit and of the units below it, then each change as it happens"),
	  "baophu coverage watch 92\n"
	  "baophu coverage watch 481 --measure bhxh_tn --plan nam-2019\n"
	  "baophu coverage watch VN --rank --plan nam-2024\n"
	  "baophu coverage watch VN --depth 1 -o jsonl\n"
	  "baophu coverage watch 481 --once" },
	{ "unit", "list", "[UNIT]", 0, 1,
	  BIT(OPTION_AS_OF) | BIT(OPTION_TREE) | BIT(OPTION_DEPTH) | BIT(OPTION_KNOWN) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  unit_list, N_("units, as they are or were on a date"),
	  "baophu unit list\n"
	  "baophu unit list 92 --depth 2 --tree 2024-04-30" },
	{ "unit", "import", "FILE", 1, 1, BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY) | ADMINISTRATION, unit_import,
	  N_("create, change and close units from a file"),
	  "baophu unit import units.csv --dry-run\n"
	  "baophu unit import units.csv" },
	{ "measure", "list", "", 0, 0, BIT(OPTION_QUERY), measure_list, N_("what is counted, and the ratios of it"),
	  "baophu measure list" },
	{ "plan", "list", "[UNIT]", 0, 1,
	  BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | BIT(OPTION_DEPTH) | BIT(OPTION_AS_OF) | BIT(OPTION_TREE) | BIT(OPTION_KNOWN) |
	      BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  plan_list, N_("targets in force"),
	  "baophu plan list 92\n"
	  "baophu plan list --plan nam-2024 -o csv" },
	{ "plan", "set", "CODE UNIT MEASURE VALUE --from DATE --to DATE", 3, 4,
	  BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_KIND) | BIT(OPTION_ISSUER) | BIT(OPTION_DOCUMENT) | BIT(OPTION_ORIGIN) |
	      BIT(OPTION_NUMBERS) | BIT(OPTION_REMOVE) | BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY) | ADMINISTRATION,
	  plan_set, N_("set, revise or take back one target"),
	  "baophu plan set nam-2024 927 bhxh_tn 2857 --from 2024-01-01 --to 2024-12-31 --issuer 'BHXH TP Cần Thơ'\n"
	  "baophu plan set nam-2021 06 bhxh_laodong 16 --kind rate --from 2021-01-01 --to 2021-12-31" },
	{ "plan", "import", "FILE", 1, 1, IMPORT | ADMINISTRATION, plan_import, N_("set targets from a file"),
	  "baophu plan import plans.csv --dry-run\n"
	  "baophu plan import plans.csv --numbers vi" },
	{ "threshold", "list", "", 0, 0, BIT(OPTION_PLAN) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY), threshold_list,
	  N_("the lines that are watched: percentages of a plan that units cross"),
	  "baophu threshold list\n"
	  "baophu threshold list --plan nam-2024" },
	{ "threshold", "set", "PERCENT", 1, 1,
	  BIT(OPTION_LINE_PLAN) | BIT(OPTION_NUMBERS) | BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY) | ADMINISTRATION, threshold_set,
	  N_("watch one more line"),
	  "baophu threshold set 75\n"
	  "baophu threshold set 97,5% --plan nam-2024" },
	{ "threshold", "remove", "PERCENT", 1, 1,
	  BIT(OPTION_LINE_PLAN) | BIT(OPTION_NUMBERS) | BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY) | ADMINISTRATION, threshold_remove,
	  N_("watch a line no longer; the events that were stay"), "baophu threshold remove 75" },
	{ "event", "list", "[UNIT]", 0, 1,
	  BIT(OPTION_DEPTH) | BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | BIT(OPTION_FROM_DAY) | BIT(OPTION_TO_DAY) |
	      BIT(OPTION_SINCE_SEQ) | BIT(OPTION_NEWEST) | BIT(OPTION_DECIMALS) | BIT(OPTION_TREE) | BIT(OPTION_KNOWN) |
	      BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  event_list, N_("which units crossed a line of a plan, when, and with which figure"),
	  "baophu event list 92\n"
	  "baophu event list VN --depth 1 --plan nam-2024\n"
	  "baophu event list --from 01/04/2024 --limit 20\n"
	  "baophu event list --since 812 -o jsonl" },
	{ "event", "watch", "[UNIT]", 0, 1,
	  BIT(OPTION_DEPTH) | BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | BIT(OPTION_SINCE_SEQ) | BIT(OPTION_DECIMALS) |
	      BIT(OPTION_QUERY) | BIT(OPTION_PUBLISH),
	  event_watch, N_("each event as it happens, until it is interrupted; with --since first what happened from there on"),
	  "baophu event watch\n"
	  "baophu event watch 92 --depth 1 --plan nam-2024\n"
	  "baophu event watch VN --since 812 -o jsonl" },
	{ "report", "send", "UNIT MEASURE VALUE --to DATE --agent NAME", 3, 3,
	  BIT(OPTION_AGENT) | BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_EXTENT) | BIT(OPTION_STATUS) | BIT(OPTION_ORIGIN) |
	      BIT(OPTION_BOUND) | BIT(OPTION_REASON) | BIT(OPTION_NUMBERS) | BIT(OPTION_DECIMALS) | BIT(OPTION_DRY_RUN) |
	      BIT(OPTION_QUERY) | BIT(OPTION_INGEST),
	  report_send, N_("send one figure; VALUE `withdraw` takes it back"),
	  "baophu report send 927 bhxh_tn 1600 --to 30/04/2024 --agent thoi-lai\n"
	  "baophu report send 927 bhxh_tn withdraw --to 30/04/2024 --agent thoi-lai" },
	{ "report", "import", "FILE", 1, 1, IMPORT | BIT(OPTION_AGENT) | BIT(OPTION_INGEST), report_import,
	  N_("send figures from a file"),
	  "baophu report import thang-4.csv --agent thoi-lai --dry-run\n"
	  "baophu report import thang-4.csv --agent thoi-lai --numbers vi" },
	{ "held", "list", "", 0, 0, BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), held_list,
	  N_("updates that wait for a decision, and why"), "baophu held list" },
	{ "held", "release", "RECEIPT", 1, 1, BIT(OPTION_CONTROL), held_release,
	  N_("apply a held update now that its cause is mended"), "baophu held release 57" },
	{ "held", "refuse", "RECEIPT", 1, 1, BIT(OPTION_CONTROL), held_refuse, N_("refuse a held update for good"),
	  "baophu held refuse 57" },
	{ "agent", "list", "", 0, 0, BIT(OPTION_AS_OF) | BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), agent_list,
	  N_("senders, and what each may report"), "baophu agent list" },
	{ "agent", "due", "[NAME]", 0, 1, BIT(OPTION_LATE) | BIT(OPTION_SILENT) | BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ),
	  agent_due, N_("what senders declared that they report, and which of it is due, late or silent"),
	  "baophu agent due\n"
	  "baophu agent due thoi-lai\n"
	  "baophu agent due --silent" },
	{ "agent", "import", "FILE", 1, 1, BIT(OPTION_DRY_RUN) | BIT(OPTION_REVOKE) | BIT(OPTION_QUERY) | ADMINISTRATION,
	  agent_import, N_("enrol offices from a file"),
	  "baophu agent import agents.csv\n"
	  "baophu agent import closed.csv --revoke" },
	{ "agent", "open", "NAME EPOCH", 2, 2, ADMINISTRATION, agent_open,
	  N_("let a sender's frozen epoch go on, once it is known which of its two updates stands"),
	  "baophu agent open thoi-lai 3" },
	{ "log", "show", "", 0, 0, BIT(OPTION_FROM_SEQ) | BIT(OPTION_LIMIT) | BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), log_show,
	  N_("what was decided, in order"),
	  "baophu log show\n"
	  "baophu log show --from 50 --limit 20" },
	{ "server", "status", "", 0, 0, BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), server_status,
	  N_("how the centre is; exit 1 when it needs a look"), "baophu server status" },
	{ "server", "resend", "", 0, 0, ADMINISTRATION, server_resend,
	  N_("send what the centre lacks of the journal, after it was put back to an older copy"),
	  "baophu server resend --journal /var/lib/baophu/journal" },
	{ "server", "backup-verified", "FILE", 1, 1, BIT(OPTION_CONTROL), server_backup_verified,
	  N_("tell the centre what a backup was proved to hold; FILE (-: standard input) is what `baophud backup -o json` printed"),
	  "baophud backup --to /mnt/backup -o json | baophu server backup-verified -" },
	{ "server", "stop", "", 0, 0, BIT(OPTION_CONTROL), server_stop, N_("stop the centre cleanly"), "baophu server stop" },
};

const struct program commands_program = {
	.name = "baophu",
	.about = N_("baophu - coverage of social, health and unemployment insurance: ask, watch, report, administer"),
	.usage = N_("Usage: baophu NOUN VERB [ARGUMENTS] [OPTIONS]"),
	.examples = "baophu coverage show 92\n"
		    "baophu coverage behind 481 --plan nam-2019\n"
		    "baophu report send 927 bhxh_tn 1600 --to 30/04/2024 --agent thoi-lai",
	.more = N_("More: `baophu NOUN VERB --help`, baophu(1). Language: --lang vi|en."),
	.exits = N_(
	    "Exit status: 0 done; 1 a condition does not hold; 2 usage; 3 no server; 4 not authorised; 5 some rows wrong, or "
	    "held; "
	    "6 refused; 7 other protocol; 8 this machine."),
	.options = BIT(OPTION_OUTPUT) | BIT(OPTION_EXCEL) | BIT(OPTION_LANGUAGE) | BIT(OPTION_TIMEOUT) | BIT(OPTION_HELP),
	.commands = commands,
	.command_count = sizeof commands / sizeof *commands,
};
