/* The lock around libhdf5, and its silence. */
#ifndef ZOO_SESSION_H
#define ZOO_SESSION_H

#include "hdf5_api.h"

/* What other users of the library in this process had set, to be put back. */
typedef struct {
    H5E_auto2_t report;
    void *report_data;
    unsigned plugins;
} zoo_session;

void zoo_session_begin(zoo_session *session);
void zoo_session_end(const zoo_session *session);

/* Why the last libhdf5 call failed, in its own words. Call it before any other libhdf5 function. */
void zoo_session_reason(char *text, size_t size);

#endif
