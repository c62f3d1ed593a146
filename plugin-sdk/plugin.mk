# plugin.mk - builds a voicegw plugin. A plugin's Makefile is three lines:
#
#     NAME := hello
#     SRCS := hello.c
#     include $(shell pkg-config --variable=sdkdir voicegw-plugin)/plugin.mk
#
# NAME: the plugin's name, [a-z0-9_-]; the file is NAME.so. SRCS: its sources, C or C++.
# PKGS: pkg-config names of the libraries it uses. CFLAGS, CXXFLAGS, LDLIBS: yours, added behind.
# Targets: all (default), check, install, clean. DESTDIR and PLUGINDIR say where install puts it.
ifeq ($(strip $(NAME)),)
$(error NAME is not set: write "NAME := hello" before including plugin.mk)
endif
ifeq ($(strip $(SRCS)),)
$(error SRCS is not set: write "SRCS := hello.c" before including plugin.mk)
endif
.DEFAULT_GOAL := all

PKG_CONFIG ?= pkg-config
VOICEGW_CFLAGS := $(shell $(PKG_CONFIG) --cflags voicegw-plugin)
PLUGINDIR ?= $(shell $(PKG_CONFIG) --variable=plugindir voicegw-plugin)
VOICEGW_CHECK ?= $(shell $(PKG_CONFIG) --variable=check voicegw-plugin)
VOICEGW_MAP := $(dir $(lastword $(MAKEFILE_LIST)))plugin.map
WARN ?= -Wall -Wextra -Wconversion -Wshadow
OUT ?= .

# Everything is hidden but the one entry, by the compiler and once more by the version script; a symbol that nobody provides fails
# here (-z defs) and not on the operator's machine, and no symbol is bound late, in the middle of a call (-z now).
plugin_flags = -O2 -g $(WARN) -fPIC -fvisibility=hidden -fstack-protector-strong $(VOICEGW_CFLAGS) \
	$(if $(PKGS),$(shell $(PKG_CONFIG) --cflags $(PKGS))) -MMD -MP
plugin_ldflags = -shared -Wl,-z,defs -Wl,-z,now -Wl,-z,relro -Wl,--as-needed -Wl,--version-script=$(VOICEGW_MAP)
plugin_objs = $(patsubst %,$(OUT)/%.o,$(basename $(SRCS)))

.PHONY: all check install clean
all: $(OUT)/$(NAME).so

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=c17 $(plugin_flags) $(CFLAGS) -c $< -o $@
$(OUT)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(plugin_flags) $(CXXFLAGS) -c $< -o $@

# By rename: a gateway that reads the file meanwhile sees the old one or the new one, never half of it.
$(OUT)/$(NAME).so: $(plugin_objs)
	$(if $(filter %.cpp,$(SRCS)),$(CXX),$(CC)) $(plugin_ldflags) $(LDFLAGS) -o $@.tmp $^ \
	  $(if $(PKGS),$(shell $(PKG_CONFIG) --libs $(PKGS))) $(LDLIBS)
	@mv -f $@.tmp $@

check: $(OUT)/$(NAME).so
	$(VOICEGW_CHECK) $<

install: $(OUT)/$(NAME).so
	install -d $(DESTDIR)$(PLUGINDIR)
	install -m 644 $< $(DESTDIR)$(PLUGINDIR)/$(NAME).so.tmp
	mv -f $(DESTDIR)$(PLUGINDIR)/$(NAME).so.tmp $(DESTDIR)$(PLUGINDIR)/$(NAME).so

clean:
	rm -f $(OUT)/$(NAME).so $(plugin_objs) $(plugin_objs:.o=.d)

-include $(plugin_objs:.o=.d)
