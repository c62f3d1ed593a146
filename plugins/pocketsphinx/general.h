/* general.h - what callers say when nobody said what to expect. */
#ifndef VOICEGW_PS_GENERAL_H
#define VOICEGW_PS_GENERAL_H

/** JSON array of phrases. */
extern const char *const general_phrases;
#endif
