#include "book.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/json.h"

#define MENUS_MAX 50
#define CHOICES_MAX 100
#define PHRASES_MAX 50
#define SLOTS_MAX 16
#define VALUES_MAX 200

struct block {
    struct block *next;
    size_t used, size;
    max_align_t data[];
};

/* Where reading stands, for sentences. */
struct reader {
    struct book *book;
    char *why;
    size_t cap;
    const char *menu; /* id, or NULL */
    int32_t option;   /* index, or -1 */
};

void *book_alloc(struct book *b, size_t bytes)
{
    bytes = (bytes + 15) / 16 * 16;
    if (!b->blocks || b->blocks->size - b->blocks->used < bytes) {
        size_t size = bytes > 8192 ? bytes : 8192;
        struct block *fresh = calloc(1, sizeof *fresh + size);
        if (!fresh)
            return NULL;
        fresh->size = size;
        fresh->next = b->blocks;
        b->blocks = fresh;
    }
    void *p = (char *)b->blocks->data + b->blocks->used;
    b->blocks->used += bytes;
    return p;
}

void book_free(struct book *b)
{
    if (!b)
        return;
    while (b->blocks) {
        struct block *next = b->blocks->next;
        free(b->blocks);
        b->blocks = next;
    }
    free(b);
}

__attribute__((format(printf, 2, 3))) static int wrong(const struct reader *r, const char *format, ...)
{
    int n = 0;
    va_list args;
    if (r->menu)
        n = snprintf(r->why, r->cap, "menu \"%s\": ", r->menu);
    if (r->option >= 0)
        n += snprintf(r->why + n, r->cap - (size_t)n, "options[%d]: ", r->option);
    va_start(args, format);
    (void)vsnprintf(r->why + n, r->cap - (size_t)n, format, args);
    va_end(args);
    return -1;
}

static int out_of_memory(const struct reader *r)
{
    return wrong(r, "out of memory");
}

/* A text of the book; NULL: no text. */
static const char *text_of(const struct reader *r, struct voicegw_json v)
{
    char *text = v.text ? book_alloc(r->book, v.bytes + 1) : NULL;
    if (text && voicegw_json_string(v, text, v.bytes + 1) >= 0)
        return text;
    return NULL;
}

/* A field that may be missing or null; numbers are taken as written (digits: 1). */
static int read_text(const struct reader *r, struct voicegw_json object, const char *name, const char **ret_text)
{
    struct voicegw_json v = voicegw_json_member(object, name);
    uint32_t type = voicegw_json_type(v);
    if (type == VOICEGW_JSON_ABSENT || type == VOICEGW_JSON_NULL)
        return 0;
    if (type == VOICEGW_JSON_NUMBER) {
        char *text = book_alloc(r->book, v.bytes + 1);
        if (!text)
            return out_of_memory(r);
        if (v.bytes)
            memcpy(text, v.text, v.bytes);
        *ret_text = text;
        return 0;
    }
    *ret_text = text_of(r, v);
    return *ret_text ? 0 : wrong(r, "%s must be a text", name);
}

static int check_names(const struct reader *r, struct voicegw_json object, const char *const *known, const char *what)
{
    struct voicegw_json_iter it = voicegw_json_each(object);
    while (voicegw_json_next(&it)) {
        char name[64] = "";
        size_t i = 0;
        while (known[i] && !voicegw_json_equals(it.key, known[i]))
            i++;
        (void)voicegw_json_string(it.key, name, sizeof name);
        if (!known[i])
            return wrong(r, "%s has no field \"%s\"", what, name);
    }
    return 0;
}

struct count_words {
    const struct reader *r;
    struct phrase *phrase;
};

static int take_word(void *arg, const char *word)
{
    struct count_words *c = arg;
    if (c->phrase->count == MENU_TOKENS_MAX)
        return 1;
    char *own = book_alloc(c->r->book, strlen(word) + 1);
    if (!own)
        return -1;
    memcpy(own, word, strlen(word) + 1);
    c->phrase->tokens[c->phrase->count++] = (struct token){own, 0};
    return 0;
}

static int32_t slot_index(const struct choice *c, const char *name, size_t bytes)
{
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (strlen(c->slots[i].name) == bytes && memcmp(c->slots[i].name, name, bytes) == 0)
            return (int32_t)i;
    return -1;
}

/* "book a room for {nights}" */
static int read_phrase(const struct reader *r, const struct choice *c, uint32_t index, const char *text,
                       struct phrase *p)
{
    char part[512];
    struct count_words count = {r, p};
    p->tokens = book_alloc(r->book, MENU_TOKENS_MAX * sizeof *p->tokens);
    if (!p->tokens)
        return out_of_memory(r);
    while (*text) {
        size_t n = strcspn(text, "{");
        if (n >= sizeof part)
            return wrong(r, "phrases[%u] is longer than 500 bytes", index);
        memcpy(part, text, n);
        part[n] = '\0';
        int rc = book_words(part, take_word, &count);
        if (rc != 0)
            return rc < 0 ? out_of_memory(r) : wrong(r, "phrases[%u] has more than %d words", index, MENU_TOKENS_MAX);
        text += n;
        if (*text != '{')
            break;
        size_t len = strcspn(text, "}");
        if (text[len] != '}')
            return wrong(r, "phrases[%u] opens a slot with { and does not close it", index);
        int32_t slot = slot_index(c, text + 1, len - 1);
        if (slot < 0)
            return wrong(r, "phrases[%u] uses the slot {%.*s}, which slots does not list", index, (int)(len - 1),
                         text + 1);
        if (p->count == MENU_TOKENS_MAX)
            return wrong(r, "phrases[%u] has more than %d words", index, MENU_TOKENS_MAX);
        p->tokens[p->count++] = (struct token){NULL, (uint32_t)slot};
        text += len + 1;
    }
    return p->count > 0 ? 0 : wrong(r, "phrases[%u] has no words", index);
}

static int read_phrases(const struct reader *r, struct voicegw_json option, struct choice *c)
{
    struct voicegw_json list = voicegw_json_member(option, "phrases");
    uint32_t type = voicegw_json_type(list);
    if (type == VOICEGW_JSON_ABSENT || type == VOICEGW_JSON_NULL)
        return 0;
    if (type != VOICEGW_JSON_ARRAY)
        return wrong(r, "phrases must be a list of texts");
    uint64_t count = voicegw_json_count(list);
    if (count > PHRASES_MAX)
        return wrong(r, "phrases lists %llu texts; at most %d are allowed", (unsigned long long)count, PHRASES_MAX);
    c->phrases = book_alloc(r->book, (count + 1) * sizeof *c->phrases);
    if (!c->phrases)
        return out_of_memory(r);
    struct voicegw_json_iter it = voicegw_json_each(list);
    while (voicegw_json_next(&it)) {
        const char *text = text_of(r, it.value);
        if (!text)
            return wrong(r, "phrases[%u] must be a text", c->phrase_count);
        if (read_phrase(r, c, c->phrase_count, text, &c->phrases[c->phrase_count]) < 0)
            return -1;
        c->phrase_count++;
    }
    return 0;
}

static int read_slot(const struct reader *r, struct voicegw_json_iter it, struct slot *s)
{
    s->name = text_of(r, it.key);
    uint64_t count = voicegw_json_count(it.value);
    if (!s->name)
        return out_of_memory(r);
    if (voicegw_json_type(it.value) != VOICEGW_JSON_ARRAY || count == 0 || count > VALUES_MAX)
        return wrong(r, "slots.%s must be a list of 1 to %d words", s->name, VALUES_MAX);
    s->values = book_alloc(r->book, count * sizeof *s->values);
    if (!s->values)
        return out_of_memory(r);
    struct voicegw_json_iter values = voicegw_json_each(it.value);
    while (voicegw_json_next(&values)) {
        const char *text = text_of(r, values.value);
        if (!text || !text[0])
            return wrong(r, "slots.%s[%u] must be a text (quote numbers)", s->name, s->value_count);
        s->values[s->value_count++] = text;
    }
    return 0;
}

static int read_slots(const struct reader *r, struct voicegw_json option, struct choice *c)
{
    struct voicegw_json map = voicegw_json_member(option, "slots");
    uint64_t count = voicegw_json_count(map);
    uint32_t type = voicegw_json_type(map);
    if (type == VOICEGW_JSON_ABSENT || type == VOICEGW_JSON_NULL)
        return 0;
    if (type != VOICEGW_JSON_OBJECT || count > SLOTS_MAX)
        return wrong(r, "slots must be a map of at most %d names to lists of words", SLOTS_MAX);
    c->slots = book_alloc(r->book, (count + 1) * sizeof *c->slots);
    if (!c->slots)
        return out_of_memory(r);
    struct voicegw_json_iter it = voicegw_json_each(map);
    while (voicegw_json_next(&it)) {
        if (read_slot(r, it, &c->slots[c->slot_count]) < 0)
            return -1;
        c->slot_count++;
    }
    return 0;
}

static int check_digits(const struct reader *r, const struct menu *m, const struct choice *c)
{
    size_t n = strlen(c->digits);
    if (n == 0 || n > MENU_DIGITS_MAX || strspn(c->digits, "0123456789*#") != n)
        return wrong(r, "digits must be 1 to %d of 0-9, * and #; \"%s\" is not", MENU_DIGITS_MAX, c->digits);
    for (uint32_t i = 0; i < m->choice_count; i++)
        if (m->choices[i].digits && strcmp(m->choices[i].digits, c->digits) == 0)
            return wrong(r, "digits \"%s\" belong to options[%u] already", c->digits, i);
    return 0;
}

/* Every {name} of the answer must be a slot, or {result…} of a tool. */
static int check_say(const struct reader *r, const struct choice *c)
{
    const char *at = c->say;
    while (at && (at = strchr(at, '{')) != NULL) {
        size_t len = strcspn(at, "}");
        if (at[len] != '}')
            return wrong(r, "say opens a name with { and does not close it");
        const char *name = at + 1;
        size_t bytes = len - 1;
        int result = bytes >= 6 && memcmp(name, "result", 6) == 0 && (bytes == 6 || name[6] == '.');
        if (result && !c->tool)
            return wrong(r, "say uses {%.*s}, but the option names no tool", (int)bytes, name);
        if (!result && slot_index(c, name, bytes) < 0)
            return wrong(r, "say uses {%.*s}, which is neither a slot nor {result.NAME}", (int)bytes, name);
        at += len;
    }
    return 0;
}

static int check_effects(const struct reader *r, const struct choice *c, const char *menu)
{
    int leaving =
        (c->workflow != NULL) + (c->transfer != NULL) + (c->assistant != NULL) + (menu != NULL) + (c->hangup != 0);
    if (leaving > 1)
        return wrong(r, "only one of workflow, transfer, assistant, menu and hangup can follow");
    if (leaving == 0 && !c->say && !c->tool)
        return wrong(r, "it does nothing; give it say, tool, workflow, transfer, assistant, menu or hangup");
    if (c->phrase_count == 0 && !c->digits)
        return wrong(r, "it cannot be chosen; give it phrases or digits");
    return 0;
}

static int read_choice(const struct reader *r, struct voicegw_json option, struct menu *m, const char **ret_menu)
{
    static const char *const known[] = {"phrases",  "digits",    "slots", "say",    "tool", "workflow",
                                        "transfer", "assistant", "menu",  "hangup", NULL};
    struct choice *c = &m->choices[m->choice_count];
    c->menu = -1;
    if (voicegw_json_type(option) != VOICEGW_JSON_OBJECT)
        return wrong(r, "an option must be a map");
    if (check_names(r, option, known, "an option") < 0 || read_slots(r, option, c) < 0 ||
        read_phrases(r, option, c) < 0)
        return -1;
    if (read_text(r, option, "digits", &c->digits) < 0 || read_text(r, option, "say", &c->say) < 0 ||
        read_text(r, option, "tool", &c->tool) < 0 || read_text(r, option, "workflow", &c->workflow) < 0 ||
        read_text(r, option, "transfer", &c->transfer) < 0 || read_text(r, option, "assistant", &c->assistant) < 0 ||
        read_text(r, option, "menu", ret_menu) < 0)
        return -1;
    struct voicegw_json hangup = voicegw_json_member(option, "hangup");
    if (hangup.text && voicegw_json_type(hangup) != VOICEGW_JSON_BOOL)
        return wrong(r, "hangup must be true or false");
    c->hangup = voicegw_json_bool(hangup, 0);
    if ((c->digits && check_digits(r, m, c) < 0) || check_say(r, c) < 0)
        return -1;
    return check_effects(r, c, *ret_menu);
}

/* Sub-menus are named before they are read: the names wait in `wanted`. */
static int read_choices(struct reader *r, struct voicegw_json object, struct menu *m, const char ***ret_wanted)
{
    struct voicegw_json list = voicegw_json_member(object, "options");
    uint64_t count = voicegw_json_count(list);
    if (voicegw_json_type(list) != VOICEGW_JSON_ARRAY || count == 0 || count > CHOICES_MAX)
        return wrong(r, "options must be a list of 1 to %d options", CHOICES_MAX);
    m->choices = book_alloc(r->book, count * sizeof *m->choices);
    *ret_wanted = book_alloc(r->book, count * sizeof **ret_wanted);
    if (!m->choices || !*ret_wanted)
        return out_of_memory(r);
    struct voicegw_json_iter it = voicegw_json_each(list);
    for (; voicegw_json_next(&it); m->choice_count++) {
        r->option = (int32_t)m->choice_count;
        if (read_choice(r, it.value, m, &(*ret_wanted)[m->choice_count]) < 0)
            return -1;
    }
    r->option = -1;
    return 0;
}

static int read_menu(struct reader *r, struct voicegw_json object, struct menu *m, const char ***ret_wanted)
{
    static const char *const known[] = {"id", "greeting", "prompt", "options", "no_input", "no_match", "failed", NULL};
    r->menu = NULL;
    r->option = -1;
    if (voicegw_json_type(object) != VOICEGW_JSON_OBJECT)
        return wrong(r, "a menu must be a map with id and options");
    if (read_text(r, object, "id", &m->id) < 0)
        return -1;
    if (!m->id || !m->id[0])
        return wrong(r, "a menu needs an id");
    r->menu = m->id;
    for (uint32_t i = 0; i < r->book->menu_count; i++)
        if (strcmp(r->book->menus[i].id, m->id) == 0)
            return wrong(r, "another menu has this id");
    if (check_names(r, object, known, "a menu") < 0 || read_text(r, object, "greeting", &m->greeting) < 0 ||
        read_text(r, object, "prompt", &m->prompt) < 0 || read_text(r, object, "no_input", &m->no_input) < 0 ||
        read_text(r, object, "no_match", &m->no_match) < 0 || read_text(r, object, "failed", &m->failed) < 0)
        return -1;
    return read_choices(r, object, m, ret_wanted);
}

static int link_menus(struct reader *r, const char **const *wanted)
{
    struct book *b = r->book;
    for (uint32_t i = 0; i < b->menu_count; i++) {
        struct menu *m = &b->menus[i];
        r->menu = m->id;
        for (uint32_t k = 0; k < m->choice_count; k++) {
            const char *name = wanted[i] ? wanted[i][k] : NULL;
            r->option = (int32_t)k;
            for (uint32_t j = 0; name && j < b->menu_count; j++)
                if (strcmp(b->menus[j].id, name) == 0)
                    m->choices[k].menu = (int32_t)j;
            if (name && m->choices[k].menu < 0)
                return wrong(r, "menu \"%s\" is in no menu's id", name);
        }
        r->option = -1;
        if (book_hints(b, m) < 0)
            return out_of_memory(r);
    }
    return 0;
}

static int read_all(struct reader *r, struct voicegw_json doc)
{
    const char **wanted[MENUS_MAX] = {0};
    struct book *b = r->book;
    struct voicegw_json list = voicegw_json_type(doc) == VOICEGW_JSON_ARRAY ? doc : voicegw_json_member(doc, "menus");
    uint64_t count = list.text ? voicegw_json_count(list) : 1;
    if (count == 0 || count > MENUS_MAX)
        return wrong(r, "a menu file holds 1 to %d menus", MENUS_MAX);
    b->menus = book_alloc(b, count * sizeof *b->menus);
    if (!b->menus)
        return out_of_memory(r);
    for (uint32_t i = 0; i < count; i++) {
        struct voicegw_json one = list.text ? voicegw_json_item(list, i) : doc;
        if (read_menu(r, one, &b->menus[i], &wanted[i]) < 0)
            return -1;
        b->menu_count++;
    }
    return link_menus(r, wanted);
}

struct book *book_read(const char *json, char *why, size_t cap)
{
    struct book *b = calloc(1, sizeof *b);
    struct reader r = {b, why, cap, NULL, -1};
    if (!b || !voicegw_json_valid(json, json ? strlen(json) : 0)) {
        (void)wrong(&r, "the menu's content cannot be read");
        book_free(b);
        return NULL;
    }
    if (read_all(&r, voicegw_json_of(json)) < 0) {
        book_free(b);
        return NULL;
    }
    return b;
}
