#include "media/vad.h"
#include <math.h>
#include <string.h>
#include "media/level.h"

#define FRAME_MS 20
#define LOW_SPANS 8        /* spans that the minimum is kept for */
#define LOW_SPAN_FRAMES 20 /* 400 ms each: 3.2 s in all, longer than people speak without a gap in some band */
#define LEARN_FRAMES 8     /* at the very start, when anything may be noise */
#define NOISE_FLOOR_DB (-70.0f)
#define SPREAD_MIN_DB 1.2f
#define SPREAD_MAX_DB 4.0f
#define SPREAD_START_DB 2.0f
/* The lowest of 3.2 s of smoothed levels lies so many spreads below their mean. */
#define LOW_BIAS_SPREADS 4.0f
#define BAND_EXCESS_MAX 6.0f
#define SCORE_UNIT 2.1f /* what the threshold of 1.0 means: set so that both kinds of error are equal in babble */

/* Time constants as weights of the new value, at 50 frames a second. */
#define NOISE_WEIGHT 0.05f
#define NOISE_WEIGHT_LEARN 0.3f
#define SPREAD_WEIGHT 0.03f
#define DRIFT_DB 0.03f /* a frame, upwards while there is speech: 1.5 dB a second, so that no error lasts */

/* Bands narrow and low say less: weights of 80-250, 250-500, 500-1000, 1000-2000, 2000-3000, 3000-4000 Hz. */
static const float band_weight[VGW_VAD_BANDS] = {0.5f, 1.0f, 1.2f, 1.2f, 1.0f, 0.8f};

struct vgw_vad_params vgw_vad_defaults(void)
{
    return (struct vgw_vad_params){
        .onset_ms = 60,
        .hangover_ms = 300,
        .pad_ms = 40,
        .threshold = 1.0f,
        .min_dbm0 = -52.0f,
        .echo_raise_db = 7.0f,
    };
}

static uint32_t at_most(uint32_t value, uint32_t max)
{
    return value > max ? max : value;
}

static float between(float value, float min, float max)
{
    return !(value > min) ? min : value > max ? max : value;
}

void vgw_vad_configure(struct vgw_vad *v, const struct vgw_vad_params *params)
{
    struct vgw_vad_params p = params ? *params : vgw_vad_defaults();
    p.onset_ms = at_most(p.onset_ms, 500);
    p.hangover_ms = at_most(p.hangover_ms, 5000);
    p.pad_ms = at_most(p.pad_ms, 500);
    p.threshold = between(p.threshold, 0.1f, 10.0f);
    p.min_dbm0 = between(p.min_dbm0, -90.0f, 0.0f);
    p.echo_raise_db = between(p.echo_raise_db, 0.0f, 30.0f);
    v->params = p;
}

void vgw_vad_init(struct vgw_vad *v, const struct vgw_vad_params *params)
{
    memset(v, 0, sizeof *v);
    vgw_vad_configure(v, params);
    for (int b = 0; b < VGW_VAD_BANDS; b++) {
        v->spread[b] = SPREAD_START_DB;
        v->low_now[b] = INFINITY;
        for (int s = 0; s < LOW_SPANS; s++)
            v->low[b][s] = INFINITY;
    }
    v->level_dbm0 = VGW_LEVEL_SILENT_DBM0;
}

void vgw_vad_reset(struct vgw_vad *v)
{
    memset(v->highpass, 0, sizeof v->highpass);
    memset(v->split, 0, sizeof v->split);
    v->frame_speech = v->active = false;
    v->run = v->gap = 0;
    v->position = v->span_start = v->last_speech = v->last_end = 0;
}

void vgw_vad_set_local_speaking(struct vgw_vad *v, bool speaking)
{
    v->local_speaking = speaking;
}

/* One half-band split by two all-pass branches (as in a QMF bank): n samples to n/2 low and n/2 high ones. `high` comes
 * out with its spectrum upside down, which a further split must bear in mind. */
static void split_band(float state[4], const float *in, size_t n, float *low, float *high)
{
    const float even_coeff = 0.6418f, odd_coeff = 0.1726f;
    float e_in = state[0], e_out = state[1], o_in = state[2], o_out = state[3];
    for (size_t i = 0; i + 1 < n; i += 2) {
        float x0 = in[i], x1 = in[i + 1];
        /* What does not wait for the sample before stands first. */
        float e = (even_coeff * x0 + e_in) - even_coeff * e_out;
        e_in = x0;
        e_out = e;
        float o = (odd_coeff * x1 + o_in) - odd_coeff * o_out;
        o_in = x1;
        o_out = o;
        low[i / 2] = 0.5f * (e + o);
        high[i / 2] = 0.5f * (o - e);
    }
    state[0] = e_in;
    state[1] = e_out;
    state[2] = o_in;
    state[3] = o_out;
}

/* Level of a band over this frame and the two before: noise fluctuates less over 60 ms, speech hardly. */
static float band_db(struct vgw_vad *v, int b, const float *x, size_t n)
{
    float sums[2] = {1e-3f, 0}; /* n is even; each sum waits for itself alone */
    for (size_t i = 0; i < n; i += 2) {
        sums[0] += x[i] * x[i];
        sums[1] += x[i + 1] * x[i + 1];
    }
    float power = (sums[0] + sums[1]) / (float)n, *before = v->power[b];
    if (v->frames == 0)
        before[0] = before[1] = power;
    float mean = (power + before[0] + before[1]) / 3.0f;
    before[1] = before[0];
    before[0] = power;
    return 10.0f * log10f(mean) + VGW_LEVEL_UNIT_DBM0;
}

static void analyse(struct vgw_vad *v, const int16_t pcm[VGW_VAD_FRAME], float level[VGW_VAD_BANDS])
{
    float x[VGW_VAD_FRAME], low[80], high[80], low1[40], high1[40], low2[20], high2[20], low3[10], high3[10];
    float last = v->highpass[0], out = v->highpass[1];
    const float keep = 0.94f;
    for (size_t i = 0; i < VGW_VAD_FRAME; i += 2) { /* two at a time: each pair waits once for the pair before */
        float in0 = pcm[i], in1 = pcm[i + 1];
        float step0 = in0 - last, step1 = (in1 - in0) + keep * step0;
        x[i] = step0 + keep * out;
        out = step1 + keep * keep * out;
        x[i + 1] = out;
        last = in1;
    }
    v->highpass[0] = last;
    v->highpass[1] = out;
    split_band(v->split[0], x, VGW_VAD_FRAME, low, high);
    split_band(v->split[1], high, 80, low1, high1);
    level[5] = band_db(v, 5, low1, 40);
    level[4] = band_db(v, 4, high1, 40);
    split_band(v->split[2], low, 80, low1, high1);
    level[3] = band_db(v, 3, high1, 40);
    split_band(v->split[3], low1, 40, low2, high2);
    level[2] = band_db(v, 2, high2, 20);
    split_band(v->split[4], low2, 20, low3, high3);
    level[1] = band_db(v, 1, high3, 10);
    level[0] = band_db(v, 0, low3, 10);
}

/* Keeps the lowest smoothed level of the last 3.2 s, in spans, so that it costs nothing a frame. */
static float track_low(struct vgw_vad *v, int b, float level)
{
    if (level < v->low_now[b])
        v->low_now[b] = level;
    float low = v->low_now[b];
    for (int s = 0; s < LOW_SPANS; s++)
        low = fminf(low, v->low[b][s]);
    return low;
}

static void next_low_span(struct vgw_vad *v)
{
    if (++v->low_frames < LOW_SPAN_FRAMES)
        return;
    v->low_frames = 0;
    for (int b = 0; b < VGW_VAD_BANDS; b++) {
        v->low[b][v->low_slot] = v->low_now[b];
        v->low_now[b] = INFINITY;
    }
    v->low_slot = (v->low_slot + 1) % LOW_SPANS;
}

/* Root mean square of what stands out, in spreads: speech that shows in a few bands only (a vowel in hiss) counts more
 * than the same sum over all of them, which is what a swell of background voices looks like. */
static float frame_score(const struct vgw_vad *v, const float level[VGW_VAD_BANDS])
{
    float raise = v->local_speaking ? v->params.echo_raise_db : 0.0f;
    float sum = 0, weights = 0;
    for (int b = 0; b < VGW_VAD_BANDS; b++) {
        float excess = between((level[b] - raise - v->noise[b]) / v->spread[b], 0.0f, BAND_EXCESS_MAX);
        sum += band_weight[b] * excess * excess;
        weights += band_weight[b];
    }
    return sqrtf(sum / weights);
}

static void learn_noise(struct vgw_vad *v, const float level[VGW_VAD_BANDS], bool speech)
{
    bool learning = v->frames < LEARN_FRAMES;
    for (int b = 0; b < VGW_VAD_BANDS; b++) {
        float low = track_low(v, b, level[b]);
        if (v->frames == 0)
            v->noise[b] = level[b];
        float delta = level[b] - v->noise[b];
        if (!speech || learning)
            v->noise[b] += (learning ? NOISE_WEIGHT_LEARN : NOISE_WEIGHT) * delta;
        else
            v->noise[b] += delta > 0 ? DRIFT_DB : NOISE_WEIGHT * delta;
        /* What lies below the mean is noise for certain, what lies above only while nobody speaks. The mean absolute
         * deviation of a Gaussian is 0.8 of its spread. */
        if (!learning && (!speech || delta < 0))
            v->spread[b] += SPREAD_WEIGHT * (fminf(fabsf(delta) * 1.25f, 2 * SPREAD_MAX_DB) - v->spread[b]);
        v->spread[b] = between(v->spread[b], SPREAD_MIN_DB, SPREAD_MAX_DB);
        float highest = low + LOW_BIAS_SPREADS * v->spread[b];
        if (v->noise[b] > highest)
            v->noise[b] += 0.2f * (highest - v->noise[b]);
        v->noise[b] = fmaxf(v->noise[b], NOISE_FLOOR_DB);
    }
    next_low_span(v);
    v->frames++;
}

static struct vgw_vad_event decide(struct vgw_vad *v, bool speech)
{
    struct vgw_vad_event event = {VGW_VAD_NONE, 0};
    uint64_t frame_start = v->position - VGW_VAD_FRAME;
    uint32_t onset_frames = (v->params.onset_ms + FRAME_MS - 1) / FRAME_MS;
    uint32_t gap_frames = (v->params.hangover_ms + FRAME_MS - 1) / FRAME_MS;
    if (speech)
        v->last_speech = v->position;
    if (v->active) {
        v->gap = speech ? 0 : v->gap + 1;
        if (v->gap <= gap_frames || speech)
            return event;
        v->active = false;
        v->run = 0;
        v->last_end = v->last_speech;
        return (struct vgw_vad_event){VGW_VAD_END, v->last_speech};
    }
    if (!speech) {
        /* One weak frame does not undo a beginning. */
        v->run = v->run > 1 ? v->run - 1 : 0;
        return event;
    }
    if (v->run++ == 0)
        v->span_start = frame_start;
    if (v->run < onset_frames)
        return event;
    uint64_t pad = (uint64_t)v->params.pad_ms * 8;
    uint64_t start = v->span_start > pad ? v->span_start - pad : 0;
    v->span_start = start > v->last_end ? start : v->last_end;
    v->active = true;
    v->gap = 0;
    return (struct vgw_vad_event){VGW_VAD_START, v->span_start};
}

struct vgw_vad_event vgw_vad_run(struct vgw_vad *v, const int16_t pcm[VGW_VAD_FRAME])
{
    float level[VGW_VAD_BANDS];
    analyse(v, pcm, level);
    v->level_dbm0 = vgw_level_dbm0(pcm, VGW_VAD_FRAME);
    v->position += VGW_VAD_FRAME;
    float score = v->frames == 0 ? 0 : frame_score(v, level);
    v->score = score;
    float threshold = SCORE_UNIT * v->params.threshold * (v->active ? 0.8f : 1.0f);
    v->frame_speech = v->frames >= 2 && score > threshold && v->level_dbm0 > v->params.min_dbm0;
    learn_noise(v, level, v->frame_speech || score > 0.7f * threshold);
    return decide(v, v->frame_speech);
}

struct vgw_vad_event vgw_vad_flush(struct vgw_vad *v)
{
    v->run = 0;
    if (!v->active)
        return (struct vgw_vad_event){VGW_VAD_NONE, 0};
    v->active = false;
    v->last_end = v->last_speech;
    return (struct vgw_vad_event){VGW_VAD_END, v->last_speech};
}

float vgw_vad_level_dbm0(const struct vgw_vad *v)
{
    return v->level_dbm0;
}

float vgw_vad_noise_dbm0(const struct vgw_vad *v)
{
    float sum = 1e-10f;
    for (int b = 0; b < VGW_VAD_BANDS; b++)
        sum += powf(10.0f, v->noise[b] / 10.0f);
    return 10.0f * log10f(sum);
}
