/* fuzz_config.c - any bytes as a configuration: the YAML loader, and what it gives through the main table. */
#include <stdint.h>
#include <stdlib.h>

#include "config/main_table.h"
#include "config/options.h"
#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vgw_config_errors errors = {0};
    struct vgw_node *documents = NULL;
    int rc = vgw_yaml_parse("fuzz.yaml", (const char *)data, size, &errors, &documents);
    if ((rc == 0) != (vgw_config_errors_total(&errors) == 0))
        abort();
    for (size_t i = 0; i < vgw_node_count(documents); i++) {
        const struct vgw_node *document = vgw_node_at(documents, i);
        struct vgw_options *options = NULL;
        struct vgw_json *json = NULL;
        int height = 0;
        vgw_node_measure(document, SIZE_MAX / 2, &height);
        if (height > VGW_NODE_DEPTH_MAX + 1)
            abort();
        if (vgw_node_json(document, false, &json) == 0)
            vgw_json_free(json);
        vgw_options_check(vgw_main_table(), document, &errors, &options);
        vgw_options_unref(options);
    }
    vgw_node_free(documents);
    vgw_config_errors_done(&errors);
    return 0;
}
