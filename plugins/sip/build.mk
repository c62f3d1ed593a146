# SIP on libre. Its archive is linked, not its shared object: re_tmr.c and re_transport.c take the place of two of its members,
# re_dns.c stands before its queries for names, and nothing of it is seen from outside.
PLUGIN_CFLAGS_sip := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I libre 2>/dev/null)) \
	-Iplugins/common -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6 -DUSE_OPENSSL -DUSE_TLS -DRELEASE
SIP_LIBRE := $(shell pkg-config --variable=libdir libre 2>/dev/null)/libre.a
PLUGIN_LIBS_sip = -Wl,--wrap=dnsc_query $(SIP_LIBRE) -Wl,--exclude-libs,ALL -lopus -lspandsp -lsrtp2 -lssl -lcrypto -lz -ldl -lpthread -lm
SIP_MEDIA_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard plugins/sip/media/*.c)))
$(BUILD)/plugins/sip.so: $(SIP_MEDIA_OBJS) $(call PLUGIN_SHARED_OBJS,pcm)
