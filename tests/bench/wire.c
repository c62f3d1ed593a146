/* wire.c - framing, base64, the histogram and /proc for the generator. */
#include "wire.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t wire_encode(const uint8_t *d, size_t n, char *out)
{
    char *p = out;
    for (size_t i = 0; i < n; i += 3, p += 4) {
        uint32_t v = (uint32_t)d[i] << 16 | (i + 1 < n ? (uint32_t)d[i + 1] << 8 : 0) | (i + 2 < n ? d[i + 2] : 0);
        p[0] = letters[v >> 18];
        p[1] = letters[v >> 12 & 63];
        p[2] = i + 1 < n ? letters[v >> 6 & 63] : '=';
        p[3] = i + 2 < n ? letters[v & 63] : '=';
    }
    return (size_t)(p - out);
}

int wire_decode(const char *text, size_t n, uint8_t *out, size_t cap)
{
    static int8_t values[256];
    size_t used = 0;
    uint32_t bits = 0, have = 0;
    if (!values['B'])
        for (int i = 0; i < 64; i++)
            values[(uint8_t)letters[i]] = (int8_t)(i + 1);
    for (size_t i = 0; i < n && values[(uint8_t)text[i]]; i++) {
        bits = bits << 6 | (uint32_t)(values[(uint8_t)text[i]] - 1);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (used == cap)
            return -1;
        out[used++] = (uint8_t)(bits >> have);
    }
    return (int)used;
}

void wire_audio(uint32_t stream, uint32_t number, uint8_t out[WIRE_AUDIO])
{
    uint64_t x = ((uint64_t)stream << 32 | number) * 0x9E3779B97F4A7C15u + 0x1234567;
    out[0] = 0xA5;
    out[1] = 0xC3;
    for (int i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(0x80 | (stream >> (6 * i) & 63));
    for (int i = 0; i < 6; i++)
        out[6 + i] = (uint8_t)(0x80 | (number >> (6 * i) & 63));
    for (int i = 12; i < WIRE_AUDIO; i++) {
        x ^= x >> 30;
        x *= 0xBF58476D1CE4E5B9u;
        x ^= x >> 27;
        out[i] = (uint8_t)x == 0x7f ? 0x7e : (uint8_t)x;
    }
}

bool wire_audio_of(const uint8_t a[WIRE_AUDIO], uint32_t *ret_stream, uint32_t *ret_number)
{
    uint32_t stream = 0, number = 0;
    if (a[0] != 0xA5 || a[1] != 0xC3)
        return false;
    for (int i = 0; i < 4; i++)
        stream |= (uint32_t)(a[2 + i] & 63) << (6 * i);
    for (int i = 0; i < 5; i++)
        number |= (uint32_t)(a[6 + i] & 63) << (6 * i);
    *ret_stream = stream;
    *ret_number = number;
    return true;
}

size_t wire_mask(const char *text, size_t n, uint32_t key, uint8_t *out)
{
    uint8_t *p = out;
    const uint64_t wide = (uint64_t)key << 32 | key;
    *p++ = 0x81;
    if (n < 126) {
        *p++ = (uint8_t)(0x80 | n);
    } else {
        *p++ = 0x80 | 126;
        *p++ = (uint8_t)(n >> 8);
        *p++ = (uint8_t)n;
    }
    memcpy(p, &key, 4);
    p += 4;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, text + i, 8);
        v ^= wide;
        memcpy(p + i, &v, 8);
    }
    for (; i < n; i++)
        p[i] = (uint8_t)text[i] ^ (uint8_t)(key >> (8 * (i & 3)));
    return (size_t)(p - out) + n;
}

long wire_frame(const uint8_t *d, size_t n, int *ret_opcode, const uint8_t **ret_payload, size_t *ret_len)
{
    if (n < 2)
        return 0;
    size_t len = d[1] & 127, head = 2;
    if (d[1] & 0x80 || len == 127)
        return -1;
    if (len == 126) {
        if (n < 4)
            return 0;
        len = (size_t)d[2] << 8 | d[3];
        head = 4;
    }
    if (n < head + len)
        return 0;
    *ret_opcode = d[0] & 15;
    *ret_payload = d + head;
    *ret_len = len;
    return (long)(head + len);
}

void hist_add(struct hist *h, uint64_t v)
{
    int shift = v < 64 ? 0 : 63 - __builtin_clzll(v) - 5;
    size_t at = shift ? (size_t)shift * 32 + (v >> shift) : v;
    h->buckets[at]++;
    h->count++;
    h->max = v > h->max ? v : h->max;
}

double hist_at(const struct hist *h, double p)
{
    uint64_t want = (uint64_t)(p * (double)h->count + 0.999999), seen = 0;
    for (size_t i = 0; h->count && i < 64 * 64; i++) {
        seen += h->buckets[i];
        if (seen >= want && h->buckets[i]) {
            uint64_t shift = i < 64 ? 0 : i / 32 - 1;
            uint64_t v = i < 64 ? i : (i - shift * 32) << shift;
            return (double)(v > h->max ? h->max : v);
        }
    }
    return (double)h->max;
}

struct usage usage_of(int pid)
{
    struct usage u = {0};
    char path[300], line[200];
    if (!pid)
        return u;
    (void)snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *e; tasks && (e = readdir(tasks));) {
        unsigned long long run = 0, wait = 0;
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, e->d_name);
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%llu %llu", &run, &wait) == 2) {
            u.run_ns += run;
            u.wait_ns += wait;
        }
        if (f)
            (void)fclose(f);
    }
    if (tasks)
        (void)closedir(tasks);
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long kb;
        if (sscanf(line, "VmRSS: %llu", &kb) == 1)
            u.rss_kb = kb;
        else if (sscanf(line, "RssAnon: %llu", &kb) == 1)
            u.anon_kb = kb;
    }
    if (f)
        (void)fclose(f);
    return u;
}
