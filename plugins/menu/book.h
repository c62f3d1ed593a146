/* book.h - the menus of one instance as read from their file, checked, and with the recognizer's hints made. Constant
 * once read. */
#ifndef VOICEGW_MENU_BOOK_H
#define VOICEGW_MENU_BOOK_H
#include <stddef.h>
#include <stdint.h>

#define MENU_DIGITS_MAX 16
#define MENU_TOKENS_MAX 32 /* words of a phrase */

struct slot {
    const char *name;
    const char **values; /* plain words: "two", "next friday" */
    uint32_t value_count;
};

/** A word, or a slot. */
struct token {
    const char *word; /* NULL: a slot */
    uint32_t slot;
};

struct phrase {
    struct token *tokens;
    uint32_t count;
};

struct choice {
    struct phrase *phrases;
    uint32_t phrase_count;
    struct slot *slots;
    uint32_t slot_count;
    const char *digits, *say, *tool, *workflow, *transfer, *assistant; /* NULL: none */
    int32_t menu;                                                      /* index, -1: none */
    uint32_t hangup;
};

struct menu {
    const char *id, *greeting, *prompt, *no_input, *no_match, *failed;
    struct choice *choices;
    uint32_t choice_count;
    const char *hints; /* {"phrases": […]} */
};

struct book {
    struct menu *menus; /* the first is where a conversation begins */
    uint32_t menu_count;
    struct block *blocks; /* all memory of the book */
};

/** Reads a menu file's content: one menu, a list of menus, or {"menus": […]}. NULL with a sentence that names menu,
 * option and field. */
struct book *book_read(const char *json, char *why, size_t cap);
/** Takes NULL. */
void book_free(struct book *b);
/** Zeroed memory that lives as long as the book, or NULL. */
void *book_alloc(struct book *b, size_t bytes);
/** Splits at what is no letter, digit or apostrophe; lower case; a digit alone becomes its name. Calls `take` for each
 * word; stops at not 0. */
int book_words(const char *text, int (*take)(void *arg, const char *word), void *arg);
/** Makes menu->hints: the phrases with their slots filled, at most a few hundred. 0 or -1. */
int book_hints(struct book *b, struct menu *m);
#endif
