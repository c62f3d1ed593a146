# packaging.mk - set-up, installation, the demo and the man pages. Uses the top Makefile's directories.
include plugin-sdk/sdk.mk

# A build that cannot succeed says so at once, and by which command it would.
ifeq ($(MAKELEVEL),0)
ifneq ($(filter all programs plugins install,$(or $(MAKECMDGOALS),all)),)
MISSING_PACKAGES := $(shell packaging/setup.sh --missing build)
ifneq ($(MISSING_PACKAGES),)
$(error packages are missing: $(MISSING_PACKAGES). `make setup` installs them)
endif
endif
endif

# Whoever gave no -j gets all processors where a target builds everything.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# Debian's own, which has the packages that set-up installs.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

.PHONY: setup run demo man install install-programs install-plugins install-conf install-man install-system uninstall help
## setup: install the Debian packages that are missing, for building, running and testing
setup:
	@packaging/setup.sh build run test

## demo: set up, build, and let a synthesized caller hold a conversation with the gateway
demo:
	@packaging/setup.sh build run
	@$(MAKE) $(JOBS) --no-print-directory all
	@$(PYTHON) packaging/demo.py --build $(BUILD)

## run: the same, and the gateway stays up on 127.0.0.1:8080
run:
	@packaging/setup.sh build run
	@$(MAKE) $(JOBS) --no-print-directory all
	@exec $(PYTHON) packaging/demo.py --build $(BUILD) --stay

# Man pages: those that are written, those that hold a reference made from the tables of the core, and the one that is
# made from the comments of the SDK's headers.
MAN_PAGES := voicegwd.8 voicegwctl.1 voicegw-plugin-check.1 voicegw.yaml.5 voicegw-workflow.5 voicegw-events.7 \
	voicegw-plugin.7 voicegw_plugin.3
MAN_BUILT := $(patsubst %,$(BUILD)/man/%,$(MAN_PAGES))
man: $(MAN_BUILT)
$(BUILD)/man/%: man/%
	@mkdir -p $(@D)
	sed -e 's|/usr/lib/voicegw|$(PLUGINDIR)|g' -e 's|/etc/voicegw|$(SYSCONFDIR)/voicegw|g' \
	  -e 's|/var/lib/voicegw|$(LOCALSTATEDIR)/lib/voicegw|g' -e 's|/run/voicegw|$(RUNSTATEDIR)/voicegw|g' $< > $@
$(BUILD)/man/voicegw.yaml.5: man/voicegw.yaml.5.in man/splice.py $(BUILD)/bin/voicegwd $(patsubst %,$(BUILD)/plugins/%.so,$(PLUGINS))
	@mkdir -p $(@D)
	$(PYTHON) man/splice.py $< $(BUILD)/bin/voicegwd $(BUILD)/plugins > $@.tmp
	@mv -f $@.tmp $@
$(BUILD)/man/voicegw-events.7: man/voicegw-events.7.in man/events.py core/event/catalogue.c
	@mkdir -p $(@D)
	$(PYTHON) man/events.py $< core/event/catalogue.c > $@.tmp
	@mv -f $@.tmp $@
$(BUILD)/man/voicegw_plugin.3: man/voicegw_plugin.3.in man/headers.py $(wildcard plugin-sdk/include/voicegw/*.h plugin-sdk/include/voicegw/draft/*.h)
	@mkdir -p $(@D)
	$(PYTHON) man/headers.py $< plugin-sdk/include > $@.tmp
	@mv -f $@.tmp $@

CONF_FILES := $(sort $(wildcard conf/*.yaml conf/*/*.yaml))
COMPLETIONDIR ?= $(DATADIR)/bash-completion/completions
SCHEMA = $(DATADIR)/voicegw/voicegw.schema.json

## install: programs, plugins, headers, configuration, man pages and the systemd unit; DESTDIR, PREFIX, SYSCONFDIR ...
install: install-programs install-plugins install-sdk install-conf install-man install-system

install-programs: programs
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR)/voicegw $(DESTDIR)$(COMPLETIONDIR)
	$(INSTALL) -m 755 $(BUILD)/bin/voicegwd $(DESTDIR)$(SBINDIR)/
	$(INSTALL) -m 755 $(BUILD)/bin/voicegwctl $(BUILD)/bin/voicegw-plugin-check $(DESTDIR)$(BINDIR)/
	$(BUILD)/bin/voicegwd --print-schema > $(BUILD)/voicegw.schema.json
	$(INSTALL) -m 644 $(BUILD)/voicegw.schema.json $(DESTDIR)$(SCHEMA)
	$(BUILD)/bin/voicegwctl completion bash > $(BUILD)/completion.bash
	$(INSTALL) -m 644 $(BUILD)/completion.bash $(DESTDIR)$(COMPLETIONDIR)/voicegwctl

# By rename: a gateway that reads a plugin meanwhile sees the old file or the new one, never half of it.
install-plugins: plugins
	$(INSTALL) -d $(DESTDIR)$(PLUGINDIR)
	for p in $(PLUGINS); do \
	  $(INSTALL) -m 644 $(BUILD)/plugins/$$p.so $(DESTDIR)$(PLUGINDIR)/$$p.so.tmp && \
	  mv -f $(DESTDIR)$(PLUGINDIR)/$$p.so.tmp $(DESTDIR)$(PLUGINDIR)/$$p.so || exit 1; \
	done

# What an operator has changed stays; the shipped file then lies beside it as NAME.new.
install-conf:
	for f in $(patsubst conf/%,%,$(CONF_FILES)); do \
	  to=$(DESTDIR)$(SYSCONFDIR)/voicegw/$$f; \
	  $(INSTALL) -d $$(dirname $$to) && \
	  sed -e 's|/usr/share/voicegw|$(DATADIR)/voicegw|g' -e 's|/usr/lib/voicegw|$(PLUGINDIR)|g' \
	    -e 's|/var/lib/voicegw|$(LOCALSTATEDIR)/lib/voicegw|g' -e 's|/run/voicegw|$(RUNSTATEDIR)/voicegw|g' \
	    conf/$$f > $(BUILD)/conf.tmp && \
	  if [ -e $$to ] && ! cmp -s $(BUILD)/conf.tmp $$to; then \
	    $(INSTALL) -m 644 $(BUILD)/conf.tmp $$to.new && echo "$$to was changed here; the shipped file is $$to.new"; \
	  else $(INSTALL) -m 644 $(BUILD)/conf.tmp $$to; fi || exit 1; \
	done
	$(INSTALL) -d -m 750 $(DESTDIR)$(SYSCONFDIR)/voicegw/secrets
	rm -f $(BUILD)/conf.tmp

install-man: man
	for p in $(MAN_PAGES); do \
	  $(INSTALL) -d $(DESTDIR)$(MANDIR)/man$${p##*.} && \
	  $(INSTALL) -m 644 $(BUILD)/man/$$p $(DESTDIR)$(MANDIR)/man$${p##*.}/ || exit 1; \
	done

install-system:
	$(INSTALL) -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(TMPFILESDIR)
	sed -e 's|/usr/sbin/|$(SBINDIR)/|g' -e 's|/usr/bin/|$(BINDIR)/|g' -e 's|/usr/lib/voicegw|$(PLUGINDIR)|g' \
	  -e 's|/etc/voicegw|$(SYSCONFDIR)/voicegw|g' -e 's|/var/lib/voicegw|$(LOCALSTATEDIR)/lib/voicegw|g' \
	  packaging/voicegw.service > $(DESTDIR)$(UNITDIR)/voicegw.service
	$(INSTALL) -m 644 packaging/voicegw.sysusers $(DESTDIR)$(SYSUSERSDIR)/voicegw.conf
	sed -e 's|/etc/voicegw|$(SYSCONFDIR)/voicegw|g' -e 's|/var/lib/voicegw|$(LOCALSTATEDIR)/lib/voicegw|g' \
	  packaging/voicegw.tmpfiles > $(DESTDIR)$(TMPFILESDIR)/voicegw.conf
	chmod 644 $(DESTDIR)$(UNITDIR)/voicegw.service $(DESTDIR)$(TMPFILESDIR)/voicegw.conf

## uninstall: removes what install put there; configuration and state stay
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/voicegwd $(DESTDIR)$(BINDIR)/voicegwctl $(DESTDIR)$(BINDIR)/voicegw-plugin-check
	rm -f $(patsubst %,$(DESTDIR)$(PLUGINDIR)/%.so,$(PLUGINS)) $(DESTDIR)$(COMPLETIONDIR)/voicegwctl
	rm -rf $(DESTDIR)$(INCLUDEDIR)/voicegw $(DESTDIR)$(DATADIR)/voicegw
	rm -f $(DESTDIR)$(PKGCONFIGDIR)/voicegw-plugin.pc $(DESTDIR)$(UNITDIR)/voicegw.service
	rm -f $(DESTDIR)$(SYSUSERSDIR)/voicegw.conf $(DESTDIR)$(TMPFILESDIR)/voicegw.conf
	rm -f $(foreach p,$(MAN_PAGES),$(DESTDIR)$(MANDIR)/man$(lastword $(subst ., ,$(p)))/$(p))
	-rmdir $(DESTDIR)$(PLUGINDIR) 2>/dev/null

## help: this list
help:
	@echo "make [TARGET] [SANITIZE=address,undefined | SANITIZE=thread] [CC=clang] [BUILD=folder]"
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | sort -u | while IFS=$$'\t' read -r name text; do \
	  printf '  %-16s %s\n' "$$name" "$$text"; done
