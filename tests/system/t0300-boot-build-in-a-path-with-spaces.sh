# SPDX-License-Identifier: PostgreSQL
# The tree can be built, installed and used in a path with spaces.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

TREE="$TEST_SCRATCH/a tree"
mkdir "$TREE"
(cd "$TEST_ROOT" && tar --exclude=./build --exclude=./.git -cf - .) | tar -xf - -C "$TREE"
exits 0 "make works there" make -s -C "$TREE" -j2 all B=build SAN=0 CFLAGS=-O0
exits 0 "make install works there" \
    make -s -C "$TREE" install B=build SAN=0 CFLAGS=-O0 PREFIX=/opt/howdah DESTDIR="$TREE/a root"

unset HOWDAH_BIN HOWDAH_SQL HOWDAH_DIR
CLUSTER="$TREE/cluster"
TEST_CLUSTERS+=("$CLUSTER")
INSTALLED="$TREE/a root/opt/howdah"
HOWDAH="$INSTALLED/bin/howdah"
export HOWDAH_PG_OPTIONS="-c fsync=off"
exits 0 "the installed howdah starts a cluster from its own files" "$HOWDAH" up --agents 1 --dir "$CLUSTER"
is "$("$HOWDAH" run --dir "$CLUSTER" -- echo works)" works "and runs a task"
exits 0 "and goes down" "$HOWDAH" down --dir "$CLUSTER"
[ -f "$INSTALLED/lib/libframework.so" ] && [ -f "$INSTALLED/include/framework.h" ]
ok $? "library and header are installed"

done_testing
