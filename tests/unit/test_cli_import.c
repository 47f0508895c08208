/* Import files: good ones become the entries they say, and every mistake is named by line and column. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <baophu/date.h>

#include "import.h"

static struct import import;
static char path[32]; /* the import borrows it until its end */

static void read_bytes(const struct import_format *format, enum number_style style, const char *bytes, size_t size)
{
	strcpy(path, "/tmp/baophu-import-XXXXXX");
	int file = mkstemp(path);
	cr_assert(file >= 0 && write(file, bytes, size) == (ssize_t)size);
	close(file);
	int error = import_read(&import, format, path, style);
	unlink(path);
	cr_assert_eq(error, 0);
}

static void read_text(const struct import_format *format, enum number_style style, const char *text)
{
	read_bytes(format, style, text, strlen(text));
}

static void all_good(uint32_t entries)
{
	cr_assert_eq(import.error_count, 0, "line %u, %s: %s", import.errors[0].line,
		     import.errors[0].column ? import.errors[0].column : "row", import.errors[0].text);
	cr_assert_eq(import.count, entries, "%u entries", import.count);
}

/* The n-th error speaks of this line and column (NULL: the row) and says this. */
static void wrong(uint32_t n, uint32_t line, const char *column, const char *says)
{
	cr_assert_gt(import.error_count, n, "only %u errors", import.error_count);
	const struct import_error *error = &import.errors[n];
	cr_assert_eq(error->line, line, "line %u: %s", error->line, error->text);
	cr_assert((!column && !error->column) || (column && error->column && strcmp(column, error->column) == 0), "column %s: %s",
		  error->column ? error->column : "none", error->text);
	cr_assert(strstr(error->text, says), "“%s” does not say “%s”", error->text, says);
}

static void one_wrong(const struct import_format *format, enum number_style style, const char *text, uint32_t line,
		      const char *column, const char *says)
{
	read_text(format, style, text);
	wrong(0, line, column, says);
	import_finish(&import);
}

static baophu_date day(uint32_t yyyymmdd) { return baophu_date_from_civil(yyyymmdd); }

#define FACTS "unit,measure,extent,from,to,value,status,origin,bound,reason,denominator,over,source,note\n"

Test(import, reads_figures_with_their_qualities)
{
	read_text(&import_facts, NUMBER_VI,
		  FACTS "927,bhxh_tn,whole,,2024-04-30,1.530,final,published,exact,,,,CT-2024,\n"
			"06,bhxh_tn,own,2024-01-01,30/04/2024,12,estimate,illustrative,more_than,card_expiry,,,,\n");
	all_good(2);
	const struct wire_fact *fact = &import.entries[0].fact;
	cr_assert(import.entries[0].kind == WIRE_FACT && !strcmp(fact->unit, "927") && !strcmp(fact->measure, "bhxh_tn"));
	cr_assert(fact->extent == BAOPHU_WHOLE && fact->from == day(20240430) && fact->to == day(20240430) && fact->value == 1530);
	cr_assert(fact->status == BAOPHU_FINAL && fact->origin == BAOPHU_PUBLISHED && fact->bound == BAOPHU_EXACT);
	fact = &import.entries[1].fact;
	cr_assert_str_eq(fact->unit, "06");
	cr_assert(fact->extent == BAOPHU_OWN && fact->from == day(20240101) && fact->to == day(20240430) && fact->value == 12);
	cr_assert(fact->status == BAOPHU_ESTIMATE && fact->origin == BAOPHU_ILLUSTRATIVE && fact->bound == BAOPHU_MORE_THAN &&
		  fact->reason == BAOPHU_REASON_CARD_EXPIRY);
	cr_assert(import.lines[0] == 2 && import.lines[1] == 3);
	import_finish(&import);
}

Test(import, needs_four_columns_only_and_fills_in_the_rest)
{
	read_text(&import_facts, NUMBER_PLAIN, "value,to,measure,unit\n0,2024-04-30,bhyt,00004\n");
	all_good(1);
	const struct wire_fact *fact = &import.entries[0].fact;
	cr_assert_str_eq(fact->unit, "00004");
	cr_assert(fact->value == 0 && fact->extent == BAOPHU_WHOLE && fact->status == BAOPHU_FINAL &&
		  fact->origin == BAOPHU_REPORTED && fact->bound == BAOPHU_EXACT && fact->reason == BAOPHU_REASON_NONE);
	import_finish(&import);
}

Test(import, reads_published_percentages_and_withdrawals)
{
	read_text(&import_facts, NUMBER_VI,
		  FACTS "06,bhtn,whole,,2021-09-30,\"8,03%\",estimate,published,nearly,,measure,laodong,,\n"
			"06,bhyt,,,2021-09-30,95%,,,,,,,,\n"
			"92,bhyt,,,2024-04-30,\"90,2%\",,,,,plan,nam-2024,,\n"
			"927,bhyt,,,2024-04-30,withdraw,,,,correction,,,,\n");
	all_good(4);
	const struct wire_rate *rate = &import.entries[0].rate;
	cr_assert(import.entries[0].kind == WIRE_RATE && rate->digits == 803 && rate->decimals == 2);
	cr_assert(rate->denominator == BAOPHU_OVER_MEASURE && !strcmp(rate->over, "laodong") && rate->status == BAOPHU_ESTIMATE &&
		  rate->bound == BAOPHU_NEARLY);
	rate = &import.entries[1].rate;
	cr_assert(rate->digits == 95 && rate->decimals == 0 && rate->denominator == BAOPHU_OVER_UNSTATED && !*rate->over);
	rate = &import.entries[2].rate;
	cr_assert(rate->digits == 902 && rate->decimals == 1 && rate->denominator == BAOPHU_OVER_PLAN &&
		  !strcmp(rate->over, "nam-2024"));
	const struct wire_fact *back = &import.entries[3].fact;
	cr_assert(import.entries[3].kind == WIRE_WITHDRAWAL && back->value == BAOPHU_ABSENT && back->status == BAOPHU_STATUS_NONE &&
		  back->origin == BAOPHU_ORIGIN_NONE && back->bound == BAOPHU_BOUND_NONE &&
		  back->reason == BAOPHU_REASON_CORRECTION);
	import_finish(&import);
}

Test(import, takes_files_as_spreadsheets_write_them)
{
	read_text(&import_facts, NUMBER_VI, "\xef\xbb\xbfunit;measure;to;value\r\n92;bhyt;30/04/2024;1.065.565\r\n\r\n;;;\r\n");
	all_good(1);
	cr_assert_eq(import.entries[0].fact.value, 1065565);
	import_finish(&import);
	read_text(&import_facts, NUMBER_PLAIN, "unit\tmeasure\tto\tvalue\n92\tbhyt\t2024-04-30\t5"); /* no newline at the end */
	all_good(1);
	import_finish(&import);
}

Test(import, counts_the_lines_of_cells_that_span_several)
{
	read_text(&import_facts, NUMBER_PLAIN,
		  "unit,measure,to,value,note\n92,bhyt,2024-04-30,5,\"two\nlines\"\n92,bhtn,2024-04-30,x,\n");
	wrong(0, 4, "value", "not a number");
	cr_assert_eq(import.lines[0], 2);
	import_finish(&import);
}

Test(import, names_every_mistake_in_a_figure)
{
	static const struct {
		const char *row, *column, *says;
	} mistakes[] = {
		{ ",bhyt,,,2024-04-30,5,,,,,,,,", "unit", "empty" },
		{ "9 2,bhyt,,,2024-04-30,5,,,,,,,,", "unit", "not a code" },
		{ "92,,,,2024-04-30,5,,,,,,,,", "measure", "empty" },
		{ "92,bhyt,,,,5,,,,,,,,", "to", "empty" },
		{ "92,bhyt,,,30-4-2024,5,,,,,,,,", "to", "not a date" },
		{ "92,bhyt,,,2024-02-30,5,,,,,,,,", "to", "not a date" },
		{ "92,bhyt,,2024-05-01,2024-04-30,5,,,,,,,,", "from", "after" },
		{ "92,bhyt,,,2024-04-30,,,,,,,,,", "value", "0 for zero" },
		{ "92,bhyt,,,2024-04-30,1.234,,,,,,,,", "value", "1234" },
		{ "92,bhyt,,,2024-04-30,-5,,,,,,,,", "value", "negative" },
		{ "92,bhyt,,,2024-04-30,\"8,03%\",,,,,,,,", "value", "--numbers vi" },
		{ "92,bhyt,all,,2024-04-30,5,,,,,,,,", "extent", "whole, own" },
		{ "92,bhyt,,,2024-04-30,5,finl,,,,,,,", "status", "final" },
		{ "92,bhyt,,,2024-04-30,5,,news,,,,,,", "origin", "there is no" },
		{ "92,bhyt,,,2024-04-30,5,,,abuot,,,,,", "bound", "about" },
		{ "92,bhyt,,,2024-04-30,5,,,,because,,,,", "reason", "there is no" },
		{ "92,bhyt,,,2024-04-30,5,,,,,measure,,,", "denominator", "must be empty" },
		{ "92,bhyt,,,2024-04-30,5,,,,,,danso,,", "over", "must be empty" },
		{ "92,bhyt,own,,2024-04-30,8%,,,,,,,,", "extent", "whole unit" },
		{ "92,bhyt,,,2024-04-30,8%,,reported,,,,,,", "origin", "published" },
		{ "92,bhyt,,,2024-04-30,8%,,,,policy,,,,", "reason", "must be empty" },
		{ "92,bhyt,,,2024-04-30,8%,,,,,measure,,,", "over", "empty" },
		{ "92,bhyt,,,2024-04-30,8%,,,,,,danso,,", "over", "must be empty" },
		{ "92,bhyt,,,2024-04-30,8%,,,,,people,danso,,", "denominator", "unstated, measure, plan" },
		{ "92,bhyt,,,2024-04-30,withdraw,final,,,,,,,", "status", "must be empty" },
		{ "92,bhyt,,,2024-04-30,withdraw,,,exact,,,,,", "bound", "must be empty" },
		{ "92,bhyt,,,2024-04-30,5,,,,,,,,,one too many", NULL, "cells under" },
	};
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		char text[400];
		snprintf(text, sizeof text, FACTS "06,bhtn,,,2021-09-30,1,,,,,,,,\n%s\n", mistakes[i].row);
		read_text(&import_facts, NUMBER_PLAIN, text);
		wrong(0, 3, mistakes[i].column, mistakes[i].says);
		cr_assert(import.error_count == 1 && import.bad_row_count == 1 && import.row_count == 2, "%s: %u errors",
			  mistakes[i].row, import.error_count);
		import_finish(&import);
	}
}

Test(import, names_all_mistakes_of_a_file_not_only_the_first)
{
	read_text(&import_facts, NUMBER_PLAIN, "unit,measure,to,value\n92,bhyt,x,y\n,bhyt,2024-04-30,5\n92,bhyt,2024-04-30,5\n");
	wrong(0, 2, "to", "date");
	wrong(1, 2, "value", "number");
	wrong(2, 3, "unit", "empty");
	cr_assert(import.error_count == 3 && import.bad_row_count == 2 && import.row_count == 3);
	import_finish(&import);
}

Test(import, keeps_the_first_fifty_mistakes_and_counts_the_rest)
{
	static char text[8192] = "unit,measure,to,value\n";
	for (int i = 0; i < 60; i++)
		strcat(text, "92,bhyt,2024-04-30,x\n");
	read_text(&import_facts, NUMBER_PLAIN, text);
	cr_assert_eq(import.error_count, 60);
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	import_print_errors(&import, out);
	fclose(out);
	cr_assert(strstr(printed, ": line 51, column “value”: ") && !strstr(printed, ": line 52,") &&
		      strstr(printed, "and 10 more"),
		  "%s", printed);
	free(printed);
	import_finish(&import);
}

Test(import, finds_a_figure_that_is_given_twice)
{
	one_wrong(&import_facts, NUMBER_PLAIN,
		  "unit,measure,to,value\n92,bhyt,2024-04-30,5\n92,bhtn,2024-04-30,5\n92,bhyt,30/04/2024,6\n", 4, NULL, "line 2");
	read_text(&import_facts, NUMBER_PLAIN,
		  "unit,measure,to,value,extent\n92,bhyt,2024-04-30,5,own\n92,bhyt,2024-04-30,5,whole\n");
	all_good(2);
	import_finish(&import);
}

Test(import, says_what_is_wrong_with_the_header)
{
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,vlaue\n92,bhyt,2024-04-30,5\n", 1, NULL, "did you mean “value”");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value,colour\n", 1, NULL, "no column “colour”");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to\n92,bhyt,2024-04-30\n", 1, NULL, "“value” is missing");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value,unit\n", 1, NULL, "twice");
	one_wrong(&import_facts, NUMBER_PLAIN, "", 1, NULL, "empty");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value\n", 1, NULL, "no row");
}

Test(import, says_what_is_wrong_with_the_file)
{
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value,note\n92,bhyt,2024-04-30,5,\"open\n", 2, NULL,
		  "never closed");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value,note\n92,bhyt,2024-04-30,5,\"a\"b\n", 2, NULL,
		  "double quote");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value,note\n92,bhyt,2024-04-30,5,b\xf6\n", 2, NULL, "not UTF-8");
	one_wrong(&import_facts, NUMBER_PLAIN, "\xff\xfeu", 1, NULL, "UTF-16");
	one_wrong(&import_facts, NUMBER_PLAIN, "unit,measure,to,value\n\"9\n2\",bhyt,2024-04-30,5\n92\x01,bhyt,2024-04-30,5\n", 2,
		  "unit", "not a code");
	one_wrong(&import_facts, NUMBER_PLAIN,
		  "unit,measure,to,value,note\n92,bhyt,2024-04-30,5,\"a\nb\"\n92\x01,bhyt,2024-04-30,5,\n", 4, "unit",
		  "control character");
	read_bytes(&import_facts, NUMBER_PLAIN, "unit\0", 5);
	wrong(0, 1, NULL, "zero byte");
	import_finish(&import);
	cr_assert_neq(import_read(&import, &import_facts, "/nonexistent/file.csv", NUMBER_PLAIN), 0);
	import_finish(&import);
}

Test(import, reads_units)
{
	read_text(&import_units, NUMBER_PLAIN,
		  "change,date,code,name,level,parent,new_code,successors,note\n"
		  ",2012-01-01,927,Tho\xcc\x9b\xcc\x81i Lai,district,92,,,\n" /* decomposed: ớ in three parts */
		  "change,2021-01-01,20044,Thị trấn A Lưới,,,20045,,\n"
		  "close,2025-07-01,20098,,,,,20101:3 20044,\n");
	all_good(3);
	cr_assert(import.entries[0].kind == WIRE_UNIT_CREATE && !strcmp(import.entries[0].unit_create.parent, "92"));
	cr_assert_str_eq(import.entries[0].unit_create.name, "Thới Lai");
	const struct wire_unit_change *change = &import.entries[1].unit_change;
	cr_assert(!strcmp(change->unit, "20044") && !strcmp(change->code, "20045") && !*change->level && !*change->parent);
	const struct wire_unit_close *close = &import.entries[2].unit_close;
	cr_assert(close->successor_count == 2 && close->date == day(20250701));
	cr_assert(!strcmp(close->successors[0].unit, "20101") && close->successors[0].weight == 3 &&
		  close->successors[1].weight == 1);
	import_finish(&import);
}

Test(import, names_every_mistake_in_a_unit)
{
#define UNITS "change,date,code,name,level,parent,new_code,successors\n"
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "create,2012-01-01,927,,district,92,,\n", 2, "name", "empty");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "create,2012-01-01,927,X,,92,,\n", 2, "level", "empty");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "create,,927,X,district,92,,\n", 2, "date", "empty");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "create,2012-01-01,927,X,district,92,928,\n", 2, "new_code", "must be empty");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "create,2012-01-01,927,X,district,92,,928\n", 2, "successors",
		  "must be empty");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "change,2012-01-01,927,,,,,\n", 2, NULL, "changes nothing");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "close,2012-01-01,927,,,,,20101:0\n", 2, "successors", "weights");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "close,2012-01-01,927,,,,,20101:x\n", 2, "successors", "weights");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "merge,2012-01-01,927,,,,,\n", 2, "change", "create, change, close");
	one_wrong(&import_units, NUMBER_PLAIN, UNITS "create,2012-01-01,927,\"a\nb\",district,92,,\n", 2, "name", "line breaks");
}

Test(import, reads_plans)
{
	read_text(&import_plans, NUMBER_VI,
		  "plan,unit,kind,target,from,to,value,origin,issuer,document,source\n"
		  "nam-2024,92,,bhyt,2024-01-01,2024-12-31,1.181.336,implied,BHXH Việt Nam,\"suy ra từ 90,2 %\",x\n"
		  "nam-2021,06,rate,bhxh_laodong,2021-01-01,2021-12-31,\"97,5\",published,,,\n"
		  "nam-2021,06,rate,bhtn_laodong,2021-01-01,2021-12-31,9%,,,,\n"
		  "nam-2020,06,flow,tangmoi,2020-01-01,2020-12-31,withdraw,,,,\n");
	all_good(4);
	const struct wire_plan_set *plan = &import.entries[0].plan;
	cr_assert(plan->kind == BAOPHU_PLAN_STOCK && plan->value == 1181336 && plan->origin == BAOPHU_IMPLIED && !plan->remove);
	cr_assert_str_eq(plan->issuer, "BHXH Việt Nam");
	plan = &import.entries[1].plan;
	cr_assert(plan->kind == BAOPHU_PLAN_RATE && plan->value == 975 && plan->decimals == 1);
	plan = &import.entries[2].plan;
	cr_assert(plan->value == 9 && plan->decimals == 0 && plan->origin == BAOPHU_REPORTED && !*plan->issuer);
	plan = &import.entries[3].plan;
	cr_assert(plan->remove && plan->value == BAOPHU_ABSENT && plan->kind == BAOPHU_PLAN_FLOW);
	import_finish(&import);
#define PLANS "plan,unit,kind,target,from,to,value\n"
	one_wrong(&import_plans, NUMBER_PLAIN, PLANS "p,92,,bhyt,2024-01-01,2024-12-31,95%\n", 2, "value", "`rate`");
	one_wrong(&import_plans, NUMBER_PLAIN, PLANS "p,92,stok,bhyt,2024-01-01,2024-12-31,95\n", 2, "kind", "`stock`");
	one_wrong(&import_plans, NUMBER_PLAIN, PLANS "p,92,,bhyt,2024-12-31,2024-01-01,95\n", 2, "from", "after");
	one_wrong(&import_plans, NUMBER_PLAIN, PLANS "p,92,,bhyt,2024-01-01,,95\n", 2, "to", "empty");
	one_wrong(&import_plans, NUMBER_PLAIN, PLANS "năm,92,,bhyt,2024-01-01,2024-12-31,95\n", 2, "plan", "not a code");
}

Test(import, enrols_a_sender_once_and_from_its_earliest_date)
{
	const char *text = "agent,unit,measures,extent,from,until\n"
			   "so-yte,92,bhyt  danso,whole,2024-01-01,2024-12-31\n"
			   "so-yte,96,,,2023-01-01,\n";
	read_text(&import_agents, NUMBER_PLAIN, text);
	all_good(3);
	cr_assert(import.entries[0].kind == WIRE_AGENT_SET && import.entries[0].agent.from == day(20230101) &&
		  import.entries[0].agent.until == BAOPHU_DATE_NONE);
	const struct wire_grant *grant = &import.entries[1].grant;
	cr_assert(grant->measure_count == 2 && !strcmp(grant->measures[1], "danso") && grant->extent == BAOPHU_WHOLE &&
		  grant->until == day(20241231) && !grant->revoke);
	grant = &import.entries[2].grant;
	cr_assert(grant->measure_count == 0 && grant->extent == BAOPHU_EXTENT_ANY && grant->until == BAOPHU_DATE_NONE);
	cr_assert(import.lines[1] == 2 && import.lines[2] == 3);
	import_finish(&import);

	import.revokes = true;
	read_text(&import_agents, NUMBER_PLAIN, "agent,unit,from,until\nso-yte,92,2024-01-01,2024-06-30\n");
	all_good(1);
	cr_assert(import.entries[0].kind == WIRE_GRANT && import.entries[0].grant.revoke);
	import_finish(&import);
#define AGENTS "agent,unit,measures,extent,from,until\n"
	one_wrong(&import_agents, NUMBER_PLAIN, AGENTS "a b,92,,,2024-01-01,\n", 2, "agent", "not a code");
	one_wrong(&import_agents, NUMBER_PLAIN, AGENTS "a,92,bhyt;danso,,2024-01-01,\n", 2, "measures", "spaces");
	one_wrong(&import_agents, NUMBER_PLAIN, AGENTS "a,92,,,,\n", 2, "from", "empty");
	one_wrong(&import_agents, NUMBER_PLAIN, AGENTS "a,92,,,2024-01-01,2023-01-01\n", 2, "from", "after");
}

Test(import, enrols_each_of_many_senders_once_and_from_its_earliest_date)
{
	enum { SENDERS = 700 };
	size_t size = 64 * 2 * SENDERS, used;
	char *text = malloc(size);
	cr_assert(text);
	used = (size_t)snprintf(text, size, "agent,unit,from\n");
	for (int i = 0; i < 2 * SENDERS; i++)
		used += (size_t)snprintf(text + used, size - used, "a%d,927,%s\n", i % SENDERS,
					 i < SENDERS ? "2024-01-01" : "2012-01-01");
	read_text(&import_agents, NUMBER_PLAIN, text);
	all_good(3 * SENDERS);
	uint32_t enrolled = 0;
	for (uint32_t i = 0; i < import.count; i++) {
		enrolled += import.entries[i].kind == WIRE_AGENT_SET;
		cr_assert(import.entries[i].kind != WIRE_AGENT_SET || import.entries[i].agent.from == day(20120101));
	}
	cr_assert_eq(enrolled, SENDERS);
	import_finish(&import);
	free(text);
}
