/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h: the version of plugcl, written here and nowhere else; the build reads it.
 */
#ifndef PLUGCL_VERSION_H
#define PLUGCL_VERSION_H

#define PLUGCL_VERSION_MAJOR 0
#define PLUGCL_VERSION_MINOR 1
#define PLUGCL_VERSION_PATCH 0

/* Version of the plug-in interface (struct plugcl_plugin::api_version). */
#define PLUGCL_PLUGIN_API_VERSION 1u

/* Marks what a shared library exports; everything else is hidden. */
#if defined(_WIN32) && (defined(PLUGCL_BUILDING) || defined(PLUGCL_BUILDING_PLUGIN))
#define PLUGCL_API __declspec(dllexport)
#elif defined(__GNUC__)
#define PLUGCL_API __attribute__((visibility("default")))
#else
#define PLUGCL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library at run time, "major.minor.patch"; static storage.
 * Thread-safety: safe. */
PLUGCL_API const char *plugcl_version(void);

#ifdef __cplusplus
}
#endif
#endif
