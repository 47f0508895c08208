// outside.cpp - the headers as C++: everything parses, and the names are those of C.
#include <cstring>

#include <baophu/baophu.h>

int main()
{
	char text[32];
	baophu_entry entry{};
	entry.kind = BAOPHU_ENTRY_FACT;
	entry.fact.to = baophu_date_from_civil(20240430);
	baophu_question question{};
	question.unit = "92";
	baophu_subscription_config config{};
	config.on_cut = [](void *, const baophu_cut *) {};
	bool good = std::strcmp(baophu_date_format(entry.fact.to, true, text), "30/04/2024") == 0 &&
		    std::strcmp(baophu_digits_format(baophu_percent(31455, 202418, 2), 2, ',', text), "15,54") == 0 &&
		    std::strcmp(baophu_code_name(BAOPHU_CODE_NOT_OWNER), "NOT_OWNER") == 0 && *baophu_strerror(-BAOPHU_EGAP);
	return good ? 0 : 1;
}
