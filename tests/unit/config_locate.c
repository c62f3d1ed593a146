/* config_locate.c - a sentence leads to what it names. */
#include <criterion/criterion.h>
#include <string.h>

#include "config/locate.h"
#include "config/yaml.h"

static struct vgw_node *parse(const char *file, const char *text)
{
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_assert_eq(vgw_yaml_parse(file, text, strlen(text), &errors, &docs), 0);
    vgw_config_errors_done(&errors);
    return docs;
}

Test(locate, sentence_leads_as_far_as_its_path_does)
{
    static const struct {
        const char *sentence;
        int line, column; /* 0: it names nothing */
    } rows[] = {
        {"voice must be one of a, b", 1, 1},
        {"outcomes[1]: after must be a duration", 4, 15},
        {"outcomes[0]: to must be a glob", 3, 6},
        {"outcomes[7]: nothing stands there", 2, 1},
        {"menu \"desk\": options[0]: an option has no field \"phrase\"", 8, 7},
        {"menu \"desk\": options[0]: slots.nights must be a list", 9, 15},
        {"menu \"other\": it needs options", 5, 1},
        {"the option 'voice' is not known", 1, 1},
        {"out of memory", 0, 0},
        {"", 0, 0},
        {"outcomes[", 2, 1},
        {"outcomes[18446744073709551617].", 2, 1},
        {"menu \"", 5, 1},
        {"voice.x: y: z", 1, 1},
    };
    struct vgw_node *docs = parse("a.yaml", "voice: c\n"
                                            "outcomes:\n"
                                            "  - {to: 1}\n"
                                            "  - {to: '2', after: soon}\n"
                                            "menu:\n"
                                            "  - id: desk\n"
                                            "    options:\n"
                                            "    - phrase: x\n"
                                            "      slots: {nights: 3}\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *file = NULL;
        int line = 0, column = 0;
        bool found = vgw_node_locate(vgw_node_at(docs, 0), rows[i].sentence, &file, &line, &column);
        cr_expect_eq(found, rows[i].line > 0, "%s", rows[i].sentence);
        cr_expect(line == rows[i].line && column == rows[i].column, "%s: %d:%d", rows[i].sentence, line, column);
        if (found)
            cr_expect_str_eq(file, "a.yaml");
    }
    vgw_node_free(docs);
}

Test(locate, document_that_was_filled_in_is_found_in_its_own_file)
{
    struct vgw_node *docs = parse("main.yaml", "plugin: menu\nfile: m.yaml\n"),
                    *menu = parse("m.yaml", "\n\nid: a\noptions: []\n");
    const char *file = NULL;
    int line = 0, column = 0;
    cr_assert_eq(vgw_node_put(vgw_node_at(docs, 0), "menu", 2, 1, vgw_node_copy(vgw_node_at(menu, 0))), 0);
    cr_assert(vgw_node_locate(vgw_node_at(docs, 0), "menu \"a\": options must be a list", &file, &line, &column));
    cr_assert_str_eq(file, "m.yaml");
    cr_assert(line == 4 && column == 1, "%d:%d", line, column);
    cr_assert(vgw_node_locate(vgw_node_at(docs, 0), "menu \"a\": it is too long", &file, &line, &column));
    cr_assert_str_eq(file, "m.yaml");
    cr_assert_eq(line, 3);
    vgw_node_free(docs);
    vgw_node_free(menu);
}
