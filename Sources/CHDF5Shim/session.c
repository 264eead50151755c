#include "session.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void zoo_session_begin(zoo_session *session) {
    pthread_mutex_lock(&lock);
    session->report = NULL;
    session->report_data = NULL;
    session->plugins = 0;
    /* Only has an effect before the library's first use. */
    H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &session->report, &session->report_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    /* A file names its filters; it shall not make the process load code for them. */
    H5PLget_loading_state(&session->plugins);
    H5PLset_loading_state(0);
}

void zoo_session_end(const zoo_session *session) {
    H5PLset_loading_state(session->plugins);
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, session->report, session->report_data);
    pthread_mutex_unlock(&lock);
}

typedef struct {
    char *text;
    size_t size;
} reason;

/* Called from the innermost failure outwards; the first one that has words is the cause. */
static herr_t take_first(unsigned depth, const H5E_error2_t *error, void *data) {
    (void)depth;
    reason *wanted = data;
    if (wanted->text[0] == 0 && error->desc != NULL && error->desc[0] != 0)
        snprintf(wanted->text, wanted->size, "%s", error->desc);
    return 0;
}

void zoo_session_reason(char *text, size_t size) {
    text[0] = 0;
    reason wanted = {text, size};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &wanted);
    if (text[0] == 0) snprintf(text, size, "no reason given");
    /* Of what the file drivers say, the system's own words, not the time, the addresses and the rest. */
    static const char quote[] = "error message = '";
    char *words = strstr(text, quote);
    if (words != NULL) {
        words += sizeof quote - 1;
        words[strcspn(words, "'")] = 0;
        memmove(text, words, strlen(words) + 1);
    }
    for (char *byte = text; *byte != 0; byte++)
        if ((unsigned char)*byte < 0x20) *byte = ' ';
}
