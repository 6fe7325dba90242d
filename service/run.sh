#!/bin/sh
# Runs both programs under the supervisor until Ctrl-C: `make run`. PORT and RUN (the folder for logs and sockets) are given.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$RUN"
export ZIYAN_BIN="$here/.venv/bin" ZIYAN_LOG_DIR="$RUN" ZIYAN_RUN_DIR="$RUN"
export OCR_PORT="$PORT" OCR_JOBS_DIR="${OCR_JOBS_DIR:-$RUN/jobs}" OCR_SOCKET="${OCR_SOCKET:-$RUN/reader.sock}" OCR_MODELS_DIR="${OCR_MODELS_DIR:-$here/models}"

"$ZIYAN_BIN/supervisord" --configuration "$here/service/supervisor/supervisord.conf" &
supervisor=$!
trap 'kill -TERM "$supervisor" 2>/dev/null; wait "$supervisor" || :; echo; echo "已停止 stopped"; exit 0' INT TERM

python="$ZIYAN_BIN/python"
ready='import json, sys, urllib.request as u; sys.exit(json.load(u.urlopen(sys.argv[1], timeout=2))["status"] != "ok")'
tries=0
until "$python" -c "$ready" "http://127.0.0.1:$PORT/health" 2>/dev/null; do
  tries=$((tries + 1))
  if [ "$tries" -gt 60 ] || ! kill -0 "$supervisor" 2>/dev/null; then
    echo "启动失败，日志如下 it did not start; the logs say:" >&2
    tail -n 5 "$RUN"/ocr-*.log >&2 || :
    kill -TERM "$supervisor" 2>/dev/null || :
    exit 1
  fi
  sleep 0.5
done
echo "字眼已就绪 Ziyan is ready: http://127.0.0.1:$PORT （Ctrl-C 停止 stops it；日志 logs: $RUN）"
wait "$supervisor"
