/* A double of NVIDIA's management library (libnvidia-ml.so.1), for machines without a GPU.

   Written against the contract of nvml.h (CUDA 12 and 13): what is asked of it answers as the
   documentation says for the machine that the file named by NVML_DOUBLE holds in its first word,
   read again at every call:

     two        two whole GPUs; this process uses 300 MiB of the first, another one 200 MiB
     mig        one GPU in MIG mode with slices 0 and 2
     jetson     one GPU of a Jetson, which supports next to nothing
     lost       two GPUs, of which the second has fallen off the bus
     hang       as `two`, and the driver does not come back while the word stands there
     no_driver  the library without a driver
     foreign    one GPU that is given to another container

   Only what nvidia-ml-py calls for us is here; another function is "not found", as in a driver
   that is older than the bindings. With -DOLD the process list of today is missing too. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4,
    NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15,
};
#define MIB (1024ull * 1024ull)

struct device { int gpu, slice; }; /* slice -1: the whole */
static struct device devices[2][4] = {
    {{0, -1}, {0, 0}, {0, 1}, {0, 2}},
    {{1, -1}, {1, 0}, {1, 1}, {1, 2}},
};
static int begun = 0;

static int is(const char *word) {
    char found[32] = "two";
    const char *path = getenv("NVML_DOUBLE");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        if (fscanf(file, "%31s", found) != 1) strcpy(found, "two");
        fclose(file);
    }
    return strcmp(found, word) == 0;
}

static int told(struct device *device) {
    if (!begun) return UNINITIALIZED;
    if (!device) return INVALID_ARGUMENT;
    while (is("hang")) usleep(10000);
    return is("lost") && device->gpu == 1 ? GPU_IS_LOST : SUCCESS;
}

/* what a whole GPU of a workstation or server supports */
static int whole(struct device *device) {
    int result = told(device);
    if (result != SUCCESS) return result;
    return is("jetson") || device->slice >= 0 ? NOT_SUPPORTED : SUCCESS;
}

const char *nvmlErrorString(int result) { return result ? "an error of the double" : "Success"; }

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    if (is("no_driver")) return DRIVER_NOT_LOADED;
    begun = 1;
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    if (!begun) return UNINITIALIZED;
    *count = is("mig") || is("jetson") || is("foreign") ? 1 : 2;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **device) {
    unsigned count;
    int result = nvmlDeviceGetCount_v2(&count);
    if (result != SUCCESS) return result;
    if (index >= count) return INVALID_ARGUMENT;
    if (is("foreign")) return NO_PERMISSION;
    *device = &devices[index][0];
    return told(*device);
}

int nvmlDeviceGetUUID(struct device *device, char *uuid, unsigned length) {
    int result = told(device);
    if (result != SUCCESS) return result;
    if (length < 40) return INSUFFICIENT_SIZE;
    if (device->slice < 0) snprintf(uuid, length, "GPU-0000000%d", device->gpu);
    else snprintf(uuid, length, "MIG-0000000%d", device->slice);
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(struct device *device, unsigned long long memory[3]) {
    int result = told(device);
    if (result != SUCCESS) return result;
    if (is("jetson")) return NOT_SUPPORTED;
    unsigned long long total = (device->slice < 0 ? 24576 : 9856) * MIB, used = 1000 * MIB;
    memory[0] = total;
    memory[1] = total - used;
    memory[2] = used;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(struct device *device, unsigned rates[2]) {
    int result = whole(device);
    if (result == SUCCESS && is("mig")) return NOT_SUPPORTED;
    if (result == SUCCESS) { rates[0] = 37; rates[1] = 5; }
    return result;
}

int nvmlDeviceGetTemperature(struct device *device, unsigned sensor, unsigned *celsius) {
    int result = whole(device);
    if (result == SUCCESS && sensor != 0) return INVALID_ARGUMENT;
    if (result == SUCCESS) *celsius = 61;
    return result;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *reasons) {
    int result = whole(device);
    if (result == SUCCESS) *reasons = 0x41; /* idle, and too hot */
    return result;
}

int nvmlDeviceGetMigMode(struct device *device, unsigned *now, unsigned *later) {
    int result = whole(device);
    if (result == SUCCESS && !is("mig")) return NOT_SUPPORTED; /* a GPU that cannot be sliced */
    if (result == SUCCESS) *now = *later = 1;
    return result;
}

int nvmlDeviceGetMaxMigDeviceCount(struct device *device, unsigned *count) {
    int result = whole(device);
    if (result == SUCCESS) *count = 7;
    return result;
}

int nvmlDeviceGetMigDeviceHandleByIndex(
    struct device *device, unsigned index, struct device **slice) {
    int result = whole(device);
    if (result != SUCCESS) return result;
    if (index >= 7) return INVALID_ARGUMENT;
    if (index != 0 && index != 2) return NOT_FOUND;
    *slice = &devices[device->gpu][index + 1];
    return SUCCESS;
}

#ifndef OLD
struct process { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; };

int nvmlDeviceGetComputeRunningProcesses_v3(
    struct device *device, unsigned *count, struct process *processes) {
    int result = told(device);
    if (result != SUCCESS) return result;
    if (is("jetson")) return NOT_SUPPORTED;
    unsigned there = device->gpu == 0 ? 2 : 0, room = *count;
    *count = there;
    if (room < there) return INSUFFICIENT_SIZE;
    if (there) {
        processes[0] = (struct process){1, 200 * MIB, ~0u, ~0u};
        processes[1] = (struct process){(unsigned)getpid(), 300 * MIB, ~0u, ~0u};
    }
    return SUCCESS;
}
#endif
