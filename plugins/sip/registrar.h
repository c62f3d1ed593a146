/* registrar.h - where users' phones are: their registrations with us, bounded. Pure. */
#ifndef SIP_REGISTRAR_H
#define SIP_REGISTRAR_H
#include <stddef.h>
#include <stdint.h>

#define REGISTRAR_USER_CONTACTS 8u
#define REGISTRAR_MIN_S 60u
#define REGISTRAR_MOST_S 86400u
#define REGISTRAR_DEFAULT_S 3600u

struct registrar_contact {
    struct registrar_contact *next;
    char user[130], contact[256]; /* contact: the URI as the phone gave it */
    char target[320];             /* the URI that reaches it: its user part at the address that it spoke from */
    char agent[64];
    int64_t until_us;
};
struct registrar {
    struct registrar_contact *first;
    uint32_t count, limit;
};

enum registrar_verdict { REGISTRAR_OK, REGISTRAR_FULL, REGISTRAR_BRIEF /* less than REGISTRAR_MIN_S */ };
/** Enters, refreshes (the same user and contact) or with 0 seconds removes. */
enum registrar_verdict registrar_put(struct registrar *r, const char *user, const char *contact, const char *target,
                                     const char *agent, uint32_t seconds, int64_t now_us);
void registrar_remove_all(struct registrar *r, const char *user);
/** The user's newest registration that has not run out, or NULL. */
const struct registrar_contact *registrar_find(struct registrar *r, const char *user, int64_t now_us);
/** Frees what has run out. */
void registrar_sweep(struct registrar *r, int64_t now_us);
void registrar_clear(struct registrar *r);
/** The Contact lines of an answer: "Contact: <…>;expires=N\r\n…"; cut where `cap` ends. */
void registrar_list(struct registrar *r, const char *user, int64_t now_us, char *out, size_t cap);
#endif
