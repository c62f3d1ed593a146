/* replay_main.c - runs a fuzzer's function over files, without libFuzzer: `replay FILE...`. Prints "N passed, N failed"
 * last; a file that harms ends the program, and its name stands last. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, uint8_t *buffer)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    size_t size = fread(buffer, 1, FILE_BYTES_MAX, f);
    int failed = ferror(f);
    (void)fclose(f);
    if (failed)
        return -1;
    /* A block of exactly that size, so that a sanitizer sees the first byte beyond it. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        return -1;
    for (size_t i = 0; i < size; i++)
        exact[i] = buffer[i];
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    uint8_t *buffer = malloc(FILE_BYTES_MAX);
    if (!buffer)
        return 1;
    for (int i = 1; i < argc; i++) {
        (void)fprintf(stderr, "%s\n", argv[i]);
        if (replay(argv[i], buffer) == 0)
            passed++;
        else
            failed++;
    }
    free(buffer);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
