# sdk.mk - tests of the plugin SDK: headers, examples from an installed SDK, and the teeth of voicegw-plugin-check.
SDK_HEADERS := $(patsubst plugin-sdk/include/%,%,$(sort $(wildcard plugin-sdk/include/voicegw/*.h plugin-sdk/include/voicegw/draft/*.h)))
SDK_STRICT := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only -Iplugin-sdk/include
SDK_CHECK ?= $(BUILD)/bin/voicegw-plugin-check
SDK_DEST = $(abspath $(BUILD))/sdk-dest
SDK_WORK = $(abspath $(BUILD))/sdk-examples
SDK_EXAMPLES := hello-provider hello-stt hello-action
CXX ?= c++
ifeq ($(origin CXX),default)
CXX := c++
endif

.PHONY: sdk-test sdk-test-headers sdk-test-examples sdk-test-teeth
sdk-test: sdk-test-headers sdk-test-examples sdk-test-teeth

# Every header alone, as a plugin of either language would include it first; and the layout that is pinned for ever.
sdk-test-headers:
	@for h in $(SDK_HEADERS); do \
	  printf '#include "%s"\nextern int nothing_else;\n' $$h | $(CC) -std=c99 $(SDK_STRICT) -x c - || exit 1; \
	  printf '#include "%s"\nextern int nothing_else;\n' $$h | $(CXX) -std=c++11 $(SDK_STRICT) -x c++ - || exit 1; \
	done
	@$(CC) -std=c17 $(SDK_STRICT) tests/abi/offsets.c
	@echo "$(words $(SDK_HEADERS)) headers compile alone as C99 and C++11; their layout is as pinned"

# Outside of the tree, against what `make install` gives a plugin author, and nothing else.
sdk-test-examples:
	@rm -rf $(SDK_DEST) $(SDK_WORK)
	@$(MAKE) -s --no-print-directory install-sdk DESTDIR=$(SDK_DEST)
	@mkdir -p $(SDK_WORK)
	@cp -r $(SDK_DEST)$(SDKDIR)/examples/. $(SDK_WORK)/
	@for e in $(SDK_EXAMPLES); do \
	  lines=$$(grep -vcE '^ *($$|/\*|\*)' $(SDK_WORK)/$$e/$$e.c); \
	  if [ $$lines -ge 200 ]; then echo "$$e.c has $$lines lines of code: an example stays under 200"; exit 1; fi; \
	  env -u MAKEFLAGS -u MAKELEVEL -u MAKEFILES PKG_CONFIG_PATH=$(SDK_DEST)$(PKGCONFIGDIR) PKG_CONFIG_SYSROOT_DIR=$(SDK_DEST) \
	    $(MAKE) -s --no-print-directory -C $(SDK_WORK)/$$e CC="$(CC)" WARN="-Wall -Wextra -Wconversion -Wshadow -Werror" \
	    install DESTDIR=$(SDK_DEST) PLUGINDIR=$(PLUGINDIR) || exit 1; \
	done
	@echo "$(words $(SDK_EXAMPLES)) examples built against the installed SDK"

sdk-test-teeth: sdk-test-examples $(SDK_CHECK)
	@CC="$(CC)" python3 tests/plugins/check_teeth.py $(SDK_CHECK) plugin-sdk/include \
	  $(foreach e,$(SDK_EXAMPLES),$(SDK_DEST)$(PLUGINDIR)/$(e).so)
