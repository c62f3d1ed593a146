# voicegw - plain make. `make help` lists the targets; packaging/setup.sh installs what a bare Debian 12 lacks.
.DEFAULT_GOAL := all
SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules

VERSION := 0.1.0
CC ?= cc
ifeq ($(origin CC),default)
CC := cc
endif
PREFIX ?= /usr
ifeq ($(PREFIX),/usr)
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var
RUNSTATEDIR ?= /run
else
SYSCONFDIR ?= $(PREFIX)/etc
LOCALSTATEDIR ?= $(PREFIX)/var
RUNSTATEDIR ?= $(PREFIX)/var/run
endif
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
PLUGINDIR ?= $(LIBDIR)/voicegw
PKGCONFIGDIR ?= $(DATADIR)/pkgconfig
UNITDIR ?= $(LIBDIR)/systemd/system
SYSUSERSDIR ?= $(LIBDIR)/sysusers.d
TMPFILESDIR ?= $(LIBDIR)/tmpfiles.d
INSTALL ?= install

# A build folder for each kind of instrumentation, so that they never mix.
SANITIZE ?=
comma := ,
ifeq ($(SANITIZE),)
BUILD ?= build
else
BUILD ?= build-$(subst $(comma),-,$(SANITIZE))
SANFLAGS := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif

# Rooms in the order of who may know whom: each knows those before it.
ROOMS := base loop config event net plugin media store action call talk flow delivery host gateway api

OPT ?= -O2
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wformat=2 -Wwrite-strings -Wno-unused-parameter
# Instrumented code loses what gcc knows of values, and it then fears for texts that fit.
ifneq ($(SANITIZE),)
ifeq ($(findstring clang,$(CC)),)
WARN += -Wno-format-truncation -Wno-maybe-uninitialized
endif
endif
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(SANITIZE),)
ifneq ($(filter -O1 -O2 -O3 -Os,$(OPT)),)
HARDEN += -D_FORTIFY_SOURCE=2
endif
endif
CPPDEFS := -D_GNU_SOURCE -DVGW_VERSION='"$(VERSION)"' -DVGW_PLUGINDIR='"$(PLUGINDIR)"' \
	-DVGW_SYSCONFDIR='"$(SYSCONFDIR)"' -DVGW_STATEDIR='"$(LOCALSTATEDIR)/lib/voicegw"' \
	-DVGW_RUNDIR='"$(RUNSTATEDIR)/voicegw"'
CFLAGS ?= -g
ALL_CFLAGS = -std=gnu17 $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(CPPDEFS) -Icore -Iplugin-sdk/include $(CFLAGS) -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

CORE_PKGS := libevent_core libevent_pthreads libuv libcurl json-c yaml-0.1 libssl libcrypto
CORE_LIBS = $(shell pkg-config --libs $(CORE_PKGS) 2>/dev/null) -lwebsockets -lhttp_parser -lltdl -lspeexdsp -lspandsp -ldl -lpthread -lm

room_srcs = $(sort $(wildcard core/$(1)/*.c))
room_objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(call room_srcs,$(1)))
# The archives that room $(1) needs, in link order (latest room first).
upto = $(if $(filter $(1),$(ROOMS)),$(call rev,$(call take,$(1),$(ROOMS))))
take = $(if $(2),$(firstword $(2)) $(if $(filter $(1),$(firstword $(2))),,$(call take,$(1),$(wordlist 2,99,$(2)))))
rev = $(if $(1),$(call rev,$(wordlist 2,99,$(1))) $(firstword $(1)))
libs_of = $(patsubst %,$(BUILD)/lib/%.a,$(call upto,$(1)))
ROOM_LIBS = $(patsubst %,$(BUILD)/lib/%.a,$(call rev,$(ROOMS)))

PLUGINS := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/*.c)))))

.PHONY: all programs plugins clean
## all: programs into build/bin, plugins into build/plugins
all: programs plugins
programs: $(BUILD)/bin/voicegwd $(BUILD)/bin/voicegwctl $(BUILD)/bin/voicegw-plugin-check
plugins: $(patsubst %,$(BUILD)/plugins/%.so,$(PLUGINS))

# Changes when a directory or the version does: what was built with others is then built anew.
$(BUILD)/.defines: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$(subst ",,$(CPPDEFS))" | cmp -s - $@ || printf '%s\n' "$(subst ",,$(CPPDEFS))" > $@
.PHONY: FORCE
FORCE:

$(BUILD)/obj/%.o: %.c $(BUILD)/.defines
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

define room_rule
$(BUILD)/lib/$(1).a: $(call room_objs,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/bin/voicegwd: $(BUILD)/obj/core/main.o $(ROOM_LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(CORE_LIBS)

CTL_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard core/ctl/*.c)))
$(BUILD)/bin/voicegwctl: $(CTL_OBJS) $(BUILD)/lib/base.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $$(pkg-config --libs libcurl json-c) -lpthread -lm

CHECK_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard plugin-sdk/check/*.c)))
$(BUILD)/bin/voicegw-plugin-check: $(CHECK_OBJS) $(ROOM_LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(CHECK_OBJS) -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(CORE_LIBS)

# Plugins see the SDK's headers and their vendor library, nothing of core. plugins/NAME/build.mk may set
# PLUGIN_PKGS_NAME (pkg-config names), PLUGIN_CFLAGS_NAME and PLUGIN_LIBS_NAME.
-include $(wildcard plugins/*/build.mk)
PLUGIN_WARN := $(WARN) -Wconversion
plugin_flags = -std=c17 $(OPT) $(PLUGIN_WARN) -fPIC -fvisibility=hidden -fstack-protector-strong $(SANFLAGS) \
	-D_GNU_SOURCE -DVOICEGW_PLUGIN_VERSION='"$(VERSION)"' -Iplugin-sdk/include -Iplugins/$(1) \
	$(if $(PLUGIN_PKGS_$(1)),$$(pkg-config --cflags $(PLUGIN_PKGS_$(1)))) $(PLUGIN_CFLAGS_$(1)) $(CFLAGS) -MMD -MP
define plugin_rule
$(BUILD)/obj/plugins/$(1)/%.o: plugins/$(1)/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(call plugin_flags,$(1)) -c $$< -o $$@
$(BUILD)/plugins/$(1).so: $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard plugins/$(1)/*.c)))
	@mkdir -p $$(@D)
	$$(CC) -shared $$(SANFLAGS) -Wl,-z,relro,-z,now$(if $(SANITIZE),,$(comma)-z$(comma)defs) -Wl,--as-needed $$(LDFLAGS) -o $$@.tmp $$^ \
	  $$(if $$(PLUGIN_PKGS_$(1)),$$$$(pkg-config --libs $$(PLUGIN_PKGS_$(1)))) $$(PLUGIN_LIBS_$(1))
	@mv -f $$@.tmp $$@
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_rule,$(p))))

## clean: removes the build folders
clean:
	rm -rf build build-*

include tests/tests.mk
-include packaging/packaging.mk

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
