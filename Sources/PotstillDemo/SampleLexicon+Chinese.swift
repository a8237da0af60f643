import Datasets
import Tasks

extension SampleLexicon {
  /// Chinese reviews of the same five kinds of thing.
  static let chinese = SampleLexicon(
    language: "zh",
    domains: [
      Domain(
        things: things("剧情 结局 演技 配乐 台词 画面 主角 导演 服装 节奏"),
        good: words("感人 紧凑"), bad: words("拖沓 老套"),
        neutral: [
          "{day}和{name}一起去看的", "片长大约两个小时", "票是{name}买的", "电影是在两个城市拍的", "是和同事{name}一起看的",
        ]),
      Domain(
        things: things("房间 卫生间 早餐 大堂 床 风景 前台 泳池 毛巾 装修"),
        good: words("干净 温馨"), bad: words("肮脏 狭小"),
        neutral: ["我们住了三个晚上", "是{name}春天订的", "我们{day}坐火车到的", "酒店一共九层", "这次和{name}一起出差"]),
      Domain(
        things: things("汤 面条 咖啡 甜点 菜单 服务员 鱼 青菜 米饭 点心"),
        good: words("可口 新鲜"), bad: words("油腻 难吃"),
        neutral: ["我们坐在窗边", "{day}{name}带我们去的", "这是我和{name}第二次来", "厨房十点关门", "我们点了三道菜"]),
      Domain(
        things: things("屏幕 电池 键盘 摄像头 音响 充电器 系统 按键 耳机 外壳"),
        good: words("耐用 流畅"), bad: words("卡顿 迟钝"),
        neutral: ["我是{day}买的", "{name}用的是同一款", "快递装在纸箱里", "已经用了两个月", "是店里的{name}帮我装的"]),
      Domain(
        things: things("故事 文笔 翻译 封面 开头 结尾 人物 插图 对话 排版"),
        good: words("生动 细腻"), bad: words("肤浅 混乱"),
        neutral: ["我是在火车上读的", "书是{name}借给我的", "全书大约四百页", "我{day}读完的", "是送给{name}的礼物"]),
    ],
    good: words("好 棒 出色 优秀 完美 精彩 理想 讲究 迷人 惊艳"),
    bad: words("差 糟糕 失败 可怕 丑陋 粗糙 烂 低劣 马虎 平庸"),
    goodVerbs: verbs("喜欢 欣赏 推荐 怀念"), badVerbs: verbs("讨厌 后悔选 反感 嫌弃"),
    intensifiers: words("非常 特别 十分 真的很 相当 极其"),
    names: words("小王 小李 张伟 王芳 李娜 陈静 刘洋 赵敏 老周 阿明 林悦 何平 郭涛 孙丽 老马 小红"),
    days: words("周一 周二 周五 周六 周日"), article: "", be: ("", ""), was: ("", ""),
    clauses: [
      .plain: ["{thing}很{word}", "我觉得{thing}很{word}", "{thing}挺{word}的", "{thing}可以说很{word}"],
      .intensified: ["{thing}{very}{word}", "我觉得{thing}{very}{word}", "这里的{thing}{very}{word}"],
      .negated: [
        "{thing}不{word}", "{thing}一点也不{word}", "我不觉得{thing}{word}", "{thing}并不{word}", "{thing}从来不{word}",
      ],
      .distanced: [
        "{thing}谈不上{word}", "没有人会说{thing}{word}", "{thing}哪里算{word}",
      ],
      .verb: ["我{word}{thing}", "我们都{word}{thing}", "我和{name}都{word}{thing}", "我{very}{word}{thing}"],
      .negatedVerb: [
        "我不{word}{thing}", "我们都不{word}{thing}", "我和{name}都没有{word}{thing}", "没有人会{word}{thing}",
      ],
    ],
    structures: [
      .single: ["{b}"],
      .both: ["{a}，{b}", "{a}，而且{b}", "{a}，另外{b}"],
      .contrast: ["{a}，但是{b}", "{a}，不过{b}", "{a}，可是{b}", "{a}。然而{b}"],
      .concessionFirst: ["虽然{a}，{b}", "尽管{a}，{b}", "就算{a}，{b}"],
      .concessionLast: ["{b}，虽然{a}", "{b}，尽管{a}", "{b}，就算{a}"],
      .change: ["一开始{a}，最后{b}", "{day}的时候{a}，后来{b}", "起初{a}，到头来{b}"],
      .hearsay: ["{name}告诉我{a}，其实{b}", "听说{a}，结果{b}", "都说{a}，实际上{b}"],
      .verdict: ["{name}说{a}，我同意", "{name}认为{a}，确实如此", "{a}，这是真的"],
    ],
    contradictions: ["{name}说{a}，我不同意", "{name}认为{a}，那是错的", "{a}，这是假的"],
    sentenceEnds: ["。", "。", "！", "~"], gap: "", capitalises: false)

  private static func verbs(_ text: String) -> [Verb] { words(text).map { Verb(asserted: $0, denied: $0) } }
}
