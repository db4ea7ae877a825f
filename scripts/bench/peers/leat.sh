# Leat: `leat sync` from the harness's slot into the target. LEAT_BINARY names the built leat (default: the one on PATH), LEAT_OPTS
# gives further options. The clock includes the start of the process. `rss_mb` is the peak of its resident memory.
LEAT=${LEAT_BINARY:-leat}
LEAT_OPTS=${LEAT_OPTS:-}
peer_start() {
  # shellcheck disable=SC2086
  "$LEAT" sync --source "$SRC_DSN" --target "$TGT_DSN" --stream bench --slot "$SLOT" --no-copy --publication bench_pub \
    --state-dir "$STATE/leat" $LEAT_OPTS > "$STATE/leat.log" 2>&1 9>&- &
  echo $! > "$STATE/consumer.pid"
}
peer_stop() {
  local pid; pid=$(cat "$STATE/consumer.pid")
  awk '/^VmHWM/ { print int($2 / 1024 + 0.5) }' "/proc/$pid/status" > "$STATE/rss"
  kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}
peer_note() { echo "rss_mb=$(cat "$STATE/rss")"; }
