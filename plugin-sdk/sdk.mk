# sdk.mk - installs what a plugin author needs. Included by the top Makefile; uses its directories.
SDKDIR ?= $(DATADIR)/voicegw/sdk
SDK_ABI := $(shell sed -n 's/^\#define VOICEGW_ABI_MAJOR \([0-9]*\)u.*/\1/p' plugin-sdk/include/voicegw/plugin.h).$(shell \
	sed -n 's/^\#define VOICEGW_ABI_MINOR \([0-9]*\)u.*/\1/p' plugin-sdk/include/voicegw/plugin.h)

.PHONY: install-sdk
install-sdk:
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR)/voicegw/draft $(DESTDIR)$(SDKDIR) $(DESTDIR)$(PKGCONFIGDIR)
	$(INSTALL) -m 644 plugin-sdk/include/voicegw/*.h $(DESTDIR)$(INCLUDEDIR)/voicegw/
	$(INSTALL) -m 644 plugin-sdk/include/voicegw/draft/*.h $(DESTDIR)$(INCLUDEDIR)/voicegw/draft/
	$(INSTALL) -m 644 plugin-sdk/plugin.mk plugin-sdk/plugin.map $(DESTDIR)$(SDKDIR)/
	for e in hello-provider hello-stt hello-action; do \
	  $(INSTALL) -d $(DESTDIR)$(SDKDIR)/examples/$$e && \
	  $(INSTALL) -m 644 plugin-sdk/examples/$$e/* $(DESTDIR)$(SDKDIR)/examples/$$e/ || exit 1; \
	done
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@PLUGINDIR@|$(PLUGINDIR)|' \
	  -e 's|@SDKDIR@|$(SDKDIR)|' -e 's|@BINDIR@|$(BINDIR)|' -e 's|@ABI@|$(SDK_ABI)|' -e 's|@VERSION@|$(VERSION)|' \
	  plugin-sdk/voicegw-plugin.pc.in > $(DESTDIR)$(PKGCONFIGDIR)/voicegw-plugin.pc
	chmod 644 $(DESTDIR)$(PKGCONFIGDIR)/voicegw-plugin.pc
