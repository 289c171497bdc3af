package words

import "maps"

func japanese() Language {
	all := maps.Clone(japaneseLesson)
	maps.Copy(all, japaneseKeys)
	maps.Copy(all, japaneseHelp)
	maps.Copy(all, japaneseScreen)
	maps.Copy(all, japaneseCommands)
	return Language{whole: all, leads: japaneseLeads}
}

// japaneseLeads has beginnings after which a name or another text stands.
var japaneseLeads = [][2]string{
	{"waits for: ", "先に必要な目標: "},
	{"not reached yet: ", "まだ達成していません: "},
	{"copied: ", "コピーしました: "},
	{"done: ", "完了: "},
	{"in a shell: ", "シェルで: "},
	{"only ", "次だけ: "},
	{"Leave while ", "終了しますか。実行中: "},
	{"yes: ", "はい: "},
	{"try something first, or wait ", "先に何か試すか、お待ちください: あと "},
	{"Not reached in ", "時間内に達成できませんでした。もう一度確認してください: "},
	{"Progress is not saved: ", "進み具合を保存できません: "},
	{"nothing matches ", "一致するものがありません: "},
	{"no service matches ", "一致するサービスがありません: "},
	{"ctrl+z suspend: ", "ctrl+z 中断: "},
}

// japaneseLesson are the words of the lesson's pane.
var japaneseLesson = map[string]string{
	"Predict": "予想", "Run": "実行", "Observe": "観察", "Goals": "目標", "Files": "ファイル", "Remember": "覚えておくこと",
	"you will be asked again": "後日また質問します",
	"predict first":           "先に予想してください", "say how sure you are": "どのくらい自信があるかを選んでください", "running": "実行中", "ran in %s": "%s で終了", "ran in %s, exit code %d": "%s で終了、終了コード %d",
	"the output is in 6, beside this, lines: %d; z there gives it the whole screen": "出力は隣の 6 にあります（%d 行）。そこで z を押すと全画面になります",
	"%d more lines: 6 shows all": "ほか %d 行。6 ですべて表示します",
	"in %s":                      "単位: %s",
	"How sure are you? 1 guess, 2 fairly, 3 sure":             "どのくらい自信がありますか。1 あてずっぽう、2 やや自信あり、3 確信あり",
	"Choose with the number keys.":                            "数字キーで選んでください。",
	"enter: type your answer":                                 "enter: 答えを入力",
	"e: run the command":                                      "e: コマンドを実行",
	"n: next step":                                            "n: 次のステップへ",
	"n: end the lesson":                                       "n: レッスンを終える",
	"The goals are checked continuously; c checks them now.":  "目標は常に確認しています。c を押すとすぐに確認します。",
	"The lesson is done. q leaves it, and restores the shop.": "レッスンは終わりました。q を押すと店を元に戻して終了します。",
	"guess": "あてずっぽう", "fairly": "やや自信あり", "sure": "確信あり",
	"you are guessing": "あてずっぽうの予想です", "you are fairly sure": "やや自信のある予想です", "you are sure": "確信のある予想です",
	"as you predicted": "予想どおり", "not as you predicted": "予想とは違いました",
	"you predicted": "あなたの予想", "right is": "正解", "you saw": "見たもの", "measured": "測定値", "to be expected": "想定値",
	"correct": "そのとおり", "not what happened": "実際とは違います", "inconclusive": "判定できません", "the setup is broken": "準備した状態が崩れています", "open": "未回答",
	"broken setup": "準備の崩れ", "fail": "未達成", "reached": "達成",
	"%d of %d": "%d / %d", "%s of %s": "%s / %s",
	"expected": "期待値", "observed": "実際の値", "see": "調べる", "answered": "回答", "holds": "継続",
	"Hint %d of %d":          "ヒント %d / %d",
	"Stuck? h opens a hint.": "行き詰まったら、h でヒントを開けます。",
	"Steady state":           "正常な状態", "%d of %d conditions hold": "%d / %d の条件が成り立っています",
	"does not hold": "成り立っていません", "holds again": "元どおり成り立っています",
	"does not hold; leaving the lesson restores it": "成り立っていません。レッスンを終えると元に戻ります",
	"Your predictions, and the results":             "あなたの予想と結果",
	"this step has nothing to run":                  "このステップに実行するものはありません",
	"it is running":                                 "実行中です",
	"The step restarts; the shop is as it was.":     "ステップをやり直します。店は元の状態です。", "The lesson has changed since you were here.": "前回からレッスンが変わっています。",
	"You have finished this lesson before; --reset starts it from scratch.": "このレッスンは修了しています。--reset で最初から始めます。",
	"not reached yet":              "まだ達成していません",
	"say what you saw":             "見たものを答えてください",
	"the command is still running": "コマンドはまだ実行中です",
	"there is no hint here":        "ここにヒントはありません",
	"all hints are open":           "ヒントはすべて開いています",
	"this is the first step":       "最初のステップです",
	"this step has no command":     "このステップにコマンドはありません",
	"The lesson is done.":          "レッスンは終わりました。",
	"your answer":                  "答え",
	"enter sends  esc cancels":     "enter 送信  esc 取消",
}

// japaneseKeys are the names on the key line.
var japaneseKeys = map[string]string{
	"how sure": "自信", "choose again": "選び直す", "choose": "選ぶ", "answer": "回答", "evidence": "根拠", "run": "実行", "copy": "コピー", "hint": "ヒント",
	"hint (%d left)": "ヒント（残り %d）", "check": "確認", "next": "次へ", "previous": "前へ", "reset": "やり直す", "solution": "解答例", "edit the files": "編集",
	"details": "詳細", "logs": "ログ", "all": "すべて", "one service": "一つだけ", "all services": "全サービス", "restart": "再起動", "stop/start": "停止/開始", "start": "開始", "stop": "停止",
	"break": "障害", "fault": "障害", "faults": "障害", "waterfall": "ウォーターフォール", "span": "スパン", "newest": "最新", "list": "一覧", "its logs": "ログ", "all traces": "全トレース", "traces": "トレース", "trace": "トレース",
	"plot an expression": "式を描画", "range": "期間", "shorter range": "短い期間", "plot it": "描画", "mesh": "メッシュ", "in words": "言葉で説明", "manifest": "マニフェスト", "objects": "オブジェクト", "call": "呼び出し",
	"edit": "編集", "deadline": "期限", "send": "送信", "its trace": "トレース", "copy command": "コマンドをコピー", "context": "前後",
	"next match": "次の一致", "previous match": "前の一致", "move": "移動", "up": "上へ", "top": "先頭", "end": "末尾", "half a page down": "半画面下", "half a page up": "半画面上", "sideways": "左右", "to the left": "左へ",
	"start the shop": "店を起動", "panes": "ペイン", "previous pane": "前のペイン", "pane": "ペイン", "tab": "タブ", "previous tab": "前のタブ", "zoom": "拡大", "filter": "絞り込み", "command": "コマンド", "help": "ヘルプ", "mouse": "マウス",
	"back": "戻る", "quit": "終了", "quit now": "すぐ終了", "suspend": "中断", "redraw": "再描画", "sort": "並べ替え", "effects": "影響", "done": "完了", "undo": "元に戻す",
}

// japaneseHelp describes the keys, and says why one does not work.
var japaneseHelp = map[string]string{
	"1 guess, 2 fairly, 3 sure": "1 あてずっぽう、2 やや自信あり、3 確信あり", "go back to the options": "選択肢に戻る", "choose an option": "選択肢を選ぶ", "type the answer to the question": "質問の答えを入力する",
	"open the evidence of the goal at the cursor: a trace, a log line, a plot or an object": "選んだ目標の根拠を開く: トレース、ログ、グラフ、オブジェクト",
	"no goal is selected; j and k select one":                                               "目標が選ばれていません。j と k で選びます",
	"no lesson is open; shopctl lesson list shows the lessons":                              "レッスンを開いていません。shopctl lesson list で一覧を表示します",
	"run the step's command":                                                                "ステップのコマンドを実行する", "copy the step's command to the clipboard": "ステップのコマンドをクリップボードにコピーする", "open the next hint": "次のヒントを開く", "check the goals now": "目標をすぐに確認する",
	"go to the next step": "次のステップへ進む", "go to the previous step": "前のステップへ戻る", "undo all changes and restart the step": "変更をすべて取り消し、ステップをやり直す", "run the solution of the step": "ステップの解答例を実行する",
	"edit a file of the lesson in your editor": "レッスンのファイルをエディターで編集する", "this lesson has no files": "このレッスンにファイルはありません",
	"show the selected service and its instances": "選んだサービスとそのインスタンスを表示する", "follow the logs of the selected service": "選んだサービスのログを追う", "follow the logs of all services, or of the selected one": "全サービスのログ、または選んだサービスのログを追う",
	"replace the instances of the selected service one by one": "選んだサービスのインスタンスを一つずつ入れ替える", "stop the selected service, or start it again": "選んだサービスを止める、または再び開始する", "break the selected service, or repair it": "選んだサービスに障害を起こす、または直す",
	"order the services by another column": "サービスを別の列で並べ替える", "list what each active fault does": "起きている障害ごとの影響を一覧にする", "there is no fault": "障害はありません",
	"show the selected trace as a waterfall": "選んだトレースをウォーターフォールで表示する", "show the attributes of the selected span": "選んだスパンの属性を表示する", "follow the newest trace, or go back to the list": "最新のトレースを追う、または一覧に戻る",
	"show the log lines of the selected trace, or of the span that is open": "選んだトレース、または開いたスパンのログを表示する", "list the traces of all services, or of the selected one": "全サービスのトレース、または選んだサービスのトレースを一覧にする",
	"list the traces of the selected service; from the log lines of a trace, go back to the trace": "選んだサービスのトレースを一覧にする。トレースのログからはトレースに戻る",
	"type a PromQL expression and plot it":                                                         "PromQL の式を入力して描画する", "plot a longer range of time": "長い期間を描画する", "plot a shorter range of time": "短い期間を描画する", "plot the expression of the selected alert": "選んだアラートの式を描画する",
	"show what the selected service's sidecar holds: calls, clusters with ejected endpoints, routes": "選んだサービスのサイドカーの内容を表示する: 呼び出し、クラスター、ルート",
	"say in words what the mesh does with the requests of the selected service":                      "選んだサービスへのリクエストをメッシュがどう扱うかを言葉で説明する",
	"show the selected object as YAML; values of Secrets are hidden":                                 "選んだオブジェクトを YAML で表示する。Secret の値は隠す", "list the objects that describe the shop": "店を記述するオブジェクトを一覧にする", "call a method of the selected service, or of another one": "選んだサービス、または別のサービスのメソッドを呼び出す",
	"select the service or the method": "サービスかメソッドを選ぶ", "edit the request or the deadline, send the call, or open its trace: the part at the cursor": "カーソルの部分を操作する: リクエストや期限の編集、送信、トレース", "send the request": "リクエストを送る",
	"show the trace of the call": "呼び出しのトレースを表示する", "copy the equivalent command: of the call, or of the manifest": "同じことをするコマンドをコピーする",
	"go to the next match of the filter": "次に一致する行へ移る", "go to the previous match of the filter": "前に一致する行へ移る", "go one line down": "一行下へ移る", "go one line up": "一行上へ移る", "go to the first line": "先頭の行へ移る", "go to the last line, and follow new ones": "末尾へ移り、新しい行を追う",
	"go half a page down": "半画面下へ移る", "go half a page up": "半画面上へ移る", "show what is to the right of long lines: logs, events, output": "長い行の右側を表示する: ログ、イベント、出力", "show what is to the left of long lines": "長い行の左側を表示する",
	"start the shop if it is not running": "店が動いていなければ起動する", "go to the next pane": "次のペインへ移る", "go to the previous pane": "前のペインへ移る", "go to the next tab": "次のタブへ移る", "go to the previous tab": "前のタブへ移る",
	"1 lesson, 2 services, 3 logs, 4 events, 5 details, 6 output, 7 traces, 8 metrics, 9 alerts, 0 map; o objects, i calls, M mesh": "1 レッスン、2 サービス、3 ログ、4 イベント、5 詳細、6 出力、7 トレース、8 メトリクス、9 アラート、0 マップ、o オブジェクト、i 呼び出し、M メッシュ",
	"show the pane on the whole screen, or show all panes again":                                                                    "ペインを全画面で表示する、または元に戻す", "show only the lines that contain a text; esc ends it": "文字列を含む行だけを表示する。esc で解除する", "run any command of shopctl": "shopctl のコマンドを実行する",
	"all keys; type to search, enter runs": "すべてのキー。入力すると検索し、enter で実行する", "use the mouse to select and scroll, or leave it to the terminal": "マウスで選択とスクロールをする、または端末に任せる", "leave a filter, a zoom or a pane": "絞り込み、拡大、ペインから戻る",
	"go back; in the first pane, quit": "戻る。最初のペインでは終了する", "interrupt the running command, or quit": "実行中のコマンドを中断する、または終了する", "go back to the shell; fg returns": "シェルに戻る。fg で再開する", "redraw the screen": "画面を描き直す",
	"not now": "今は使えません", "it acts on the selected service; 2 goes to the services": "選んだサービスに対するキーです。2 でサービスへ移ります", "it lists the traces of the selected service; 2 goes to the services": "選んだサービスのトレースを一覧にするキーです。2 でサービスへ移ります",
	"this key is for the logs; 3 goes there": "ログ用のキーです。3 で移ります", "this key is for the traces; 7 goes there": "トレース用のキーです。7 で移ります", "this key is for the metrics; 8 goes there": "メトリクス用のキーです。8 で移ります", "this key is for a call; i goes there": "呼び出し用のキーです。i で移ります",
	"this key is for calls and objects; i and o go there": "呼び出しとオブジェクト用のキーです。i と o で移ります", "they are already shown": "すでに表示しています", "it is already shown; esc goes back to the methods": "すでに表示しています。esc でメソッドに戻ります",
	"it is already shown, or no sidecar runs; shopctl mesh on starts them": "すでに表示しているか、サイドカーがありません。shopctl mesh on で起動します",
	"there is no filter; / sets one":                                       "絞り込んでいません。/ で設定します", "this pane is not a list": "このペインは一覧ではありません", "the shop is already running": "店はすでに動いています", "no line here is wider than the pane": "ペインより長い行はありません",
	"no service is selected": "サービスが選ばれていません", "there are no traces yet": "トレースはまだありません", "no rule is selected": "ルールが選ばれていません", "there is no object": "オブジェクトがありません", "there is nothing to select": "選ぶものがありません", "nothing was sent yet": "まだ何も送っていません",
}

// japaneseScreen are the words around the panes.
var japaneseScreen = map[string]string{
	"Lesson": "レッスン", "Services": "サービス", "Logs": "ログ", "Events": "イベント", "Details": "詳細", "Output": "出力", "Traces": "トレース", "Metrics": "メトリクス", "Alerts": "アラート", "Map": "マップ", "Objects": "オブジェクト", "Call": "呼び出し", "Mesh": "メッシュ",
	"NAME": "名前", "STATE": "状態", "VERSION": "版", "READY": "準備", "RESTARTS": "再起動", "REQ/S": "件/秒", "ERRORS": "エラー", "TREND": "推移", "FAULTS": "障害",
	"%d up": "%d 稼働中", "%d of %d up": "%d / %d 稼働中", "%d/%d ok": "%d/%d 正常", "no connection": "接続なし", "waiting": "待機中", "waiting for the shop": "店を待っています",
	"faults %d": "障害 %d", "alerts %d": "アラート %d", "alert": "アラート", "(and %d more)": "（ほか %d 件）", "newest": "最新", ", following": "、追跡中", ", G to follow": "、G で追跡", "columns %d-%d of %d": "%d-%d 桁（全 %d 桁）",
	"%d-%d of %d":  "%d-%d / %d",
	"architecture": "構成", "communication": "通信", "observability": "可観測性", "resilience": "回復力", "security": "安全", "testing": "テスト", "data": "データ", "delivery": "配備", "extend": "拡張", "operate": "運用",
	"Keys": "キー", "nothing matches": "一致するものがありません", "tab complete  enter run  esc back": "tab 補完  enter 実行  esc 戻る", "enter run  esc back": "enter 実行  esc 戻る", "no": "いいえ",
	"tab complete  up down history  enter run  esc back": "tab 補完  ↑ ↓ 履歴  enter 実行  esc 戻る",
	"Restart this step?": "このステップをやり直しますか", "undo all changes in the shop and in the workspace": "店とファイルの変更をすべて取り消す", "Run the solution of this step?": "このステップの解答例を実行しますか", "run it, and show what it changes": "実行し、変更点を表示する",
	"quit, and end it": "終了し、実行中のものも止める", "the step's command is running": "ステップのコマンド", "a command is running": "コマンド", "resetting the step": "ステップを元に戻しています", "running the solution": "解答例を実行しています",
	"the step's command was interrupted; e runs it again": "ステップのコマンドを中断しました。e でもう一度実行します", "ctrl+c ends the command": "ctrl+c でコマンドを終えます", "no events yet": "イベントはまだありません", "no logs yet": "ログはまだありません",
	"the output of commands; : runs one": "コマンドの出力。: で実行します", "enter applies  esc clears": "enter 適用  esc 解除", "enter plots  esc cancels": "enter 描画  esc 取消", "plot:": "式:", "next step": "次のステップ", "previous step": "前のステップ", "open a hint": "ヒント", "predict": "予想", "observe": "観察",
	"the mouse selects and scrolls; m leaves it to the terminal": "マウスで選択とスクロールができます。m で端末に戻します", "the mouse is left to the terminal": "マウスは端末に任せています",
	"Which file?": "どのファイルですか", "What the faults do": "障害の影響",
}
