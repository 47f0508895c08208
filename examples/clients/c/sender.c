/* sender.c - reports one figure: sender tcp://127.0.0.1:7101 AGENT UNIT MEASURE YYYYMMDD VALUE */
#include <baophu/client.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	struct baophu_session_config config = { .endpoint = argv[1], .agent = argv[2] };
	struct baophu_entry entry = { .kind = BAOPHU_ENTRY_FACT, .fact = { .unit = argv[3], .measure = argv[4] } };
	entry.fact.to = baophu_date_from_civil((uint32_t)atol(argv[5]));
	entry.fact.value = atoll(argv[6]);
	struct baophu_session *session = NULL;
	struct baophu_receipt receipt;
	enum baophu_code code = BAOPHU_CODE_NONE;
	int error = baophu_session_open(&config, &session, &code);
	if (!error) /* numbered, sent again after a lost connection, decided once */
		error = baophu_session_send(session, &entry, 1, &receipt, &code);
	if (error)
		fprintf(stderr, "%s %s\n", baophu_strerror(error), baophu_code_name(code));
	else
		printf("VERDICT_%s CODE_%s %llu\n", receipt.verdict == BAOPHU_APPLIED ? "APPLIED" : "NOT_APPLIED",
		       baophu_code_name(receipt.code), (unsigned long long)receipt.place.seq);
	baophu_session_close(session);
	return error || receipt.verdict != BAOPHU_APPLIED;
}
