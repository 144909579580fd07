# SPDX-License-Identifier: PostgreSQL
# packaging/install-deps.sh where it cannot install: it names the packages, changes nothing and fails.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

DEPS=$TEST_ROOT/packaging/install-deps.sh
exits 0 "with everything installed there is nothing to do" "$DEPS"
like "$OUT" 'everything that is needed is installed' "and it says so"
exits 2 "an unknown option is refused" "$DEPS" --everything
like "$OUT" 'unknown option "--everything": expected' "by name"

# A system on which hardly anything is installed, and apt-get is not.
mkdir "$TEST_SCRATCH/bin"
for tool in bash sed grep cut sort tr id cat env; do
    ln -s "$(command -v $tool)" "$TEST_SCRATCH/bin/$tool"
done
exits 1 "elsewhere than on Debian it fails" env PATH="$TEST_SCRATCH/bin" bash "$DEPS"
like "$OUT" 'missing:' "it says what is missing"
like "$OUT" 'neither Debian nor Ubuntu' "it says why it does not install"
like "$OUT" 'libevent-dev.*libpq-dev' "it names the packages"

# Debian, but neither root nor sudo.
printf '#!%s\necho "apt-get was called" >&2\nexit 99\n' "$(command -v bash)" >"$TEST_SCRATCH/bin/apt-get"
chmod +x "$TEST_SCRATCH/bin/apt-get"
cp "$DEPS" "$TEST_SCRATCH/install-deps.sh"
if [ "$(id -u)" -eq 0 ]; then
    AS_NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
    AS_NOBODY=()
fi
exits 1 "with neither root nor sudo it fails" \
    "${AS_NOBODY[@]}" env PATH="$TEST_SCRATCH/bin" bash "$TEST_SCRATCH/install-deps.sh"
like "$OUT" 'needs root or sudo, and neither is to be had' "it says so"
like "$OUT" 'libevent-dev.*libpq-dev' "it names the packages"
unlike "$OUT" 'apt-get was called' "and nothing is installed"

exits 1 "--check only looks" env PATH="$TEST_SCRATCH/bin" bash "$DEPS" --check
unlike "$OUT" 'apt-get was called' "even where it could install"

done_testing
