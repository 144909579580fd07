# SPDX-License-Identifier: PostgreSQL
"""Highly available PostgreSQL in network namespaces, for tests: see README.md beside this file."""
