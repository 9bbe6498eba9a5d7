/**
 * The films on the programme. All of them are invented; so are their directors, who are not named.
 *
 * `daysOut` is how long a film has been out when the cinema first opens its doors; a negative one is still to come. Scene
 * and colours are what its poster is drawn from (posters.ts).
 */
export interface Film {
  readonly slug: string;
  readonly name: string;
  readonly englishName: string;
  readonly description: string;
  readonly englishDescription: string;
  readonly duration: number;
  readonly movieType: string;
  readonly playingType: '2D' | '3D' | 'IMAX';
  readonly daysOut: number;
  readonly recommended: boolean;
  readonly scene: Scene;
  /** Sky above, sky below, ground, light. */
  readonly colours: readonly [string, string, string, string];
}

export type Scene = 'mountains' | 'sea' | 'city' | 'forest' | 'orbit' | 'rain';

export const catalogue: readonly Film[] = [
  {
    slug: 'the-night-ferry',
    name: '夜渡',
    englishName: 'The Night Ferry',
    description: '末班渡轮上的五个陌生人，在没有信号的两个小时里，说出了各自一生中最重要的一句谎话。',
    englishDescription:
      'Five strangers on the last ferry, two hours without a signal, and the most important lie each of them ever told.',
    duration: 112,
    movieType: '剧情 / 悬疑',
    playingType: '2D',
    daysOut: 9,
    recommended: true,
    scene: 'sea',
    colours: ['#0b1d3a', '#2c5d7c', '#06121f', '#ffd9a0'],
  },
  {
    slug: 'a-map-of-snow',
    name: '雪的地图',
    englishName: 'A Map of Snow',
    description: '一位退休的测绘员回到高原，寻找三十年前他亲手从地图上抹去的村庄。',
    englishDescription:
      'A retired surveyor returns to the plateau to look for the village that he himself once took off the map.',
    duration: 126,
    movieType: '剧情',
    playingType: '2D',
    daysOut: 16,
    recommended: true,
    scene: 'mountains',
    colours: ['#f3c7a6', '#8fb3cf', '#27405c', '#fff6e8'],
  },
  {
    slug: 'orbit-of-paper',
    name: '纸轨道',
    englishName: 'Orbit of Paper',
    description: '空间站里最后一位图书管理员，决定把所有的书折成飞船。',
    englishDescription: 'The last librarian of the station decides to fold all the books into ships.',
    duration: 134,
    movieType: '科幻',
    playingType: 'IMAX',
    daysOut: 5,
    recommended: true,
    scene: 'orbit',
    colours: ['#120d2b', '#4b2a6b', '#0a0716', '#ffc46b'],
  },
  {
    slug: 'eleven-umbrellas',
    name: '十一把伞',
    englishName: 'Eleven Umbrellas',
    description: '雨季的小城，修伞匠每天都会收到同一把伞。',
    englishDescription: 'In a town in the rainy season, the umbrella mender is brought the same umbrella every day.',
    duration: 98,
    movieType: '爱情 / 喜剧',
    playingType: '2D',
    daysOut: 12,
    recommended: false,
    scene: 'rain',
    colours: ['#3c5a66', '#9bb8b0', '#1d2f36', '#ff8a5c'],
  },
  {
    slug: 'the-lamplighters',
    name: '点灯人',
    englishName: 'The Lamplighters',
    description: '全城停电的一夜，外卖骑手们自发组成了一张会移动的地图。',
    englishDescription: 'One night without power: the couriers of the city become a map that moves.',
    duration: 105,
    movieType: '剧情 / 动作',
    playingType: '2D',
    daysOut: 3,
    recommended: true,
    scene: 'city',
    colours: ['#1a1433', '#7a3b5d', '#0d0a1c', '#ffcf5c'],
  },
  {
    slug: 'moss',
    name: '苔',
    englishName: 'Moss',
    description: '一片被遗忘的森林，和一个决定在那里待满一年不说话的女孩。',
    englishDescription: 'A forgotten forest, and a girl who has decided to stay there for a year without a word.',
    duration: 91,
    movieType: '文艺',
    playingType: '2D',
    daysOut: 21,
    recommended: false,
    scene: 'forest',
    colours: ['#d9e2b8', '#6f9a6b', '#1d3b2a', '#fff3b0'],
  },
  {
    slug: 'tiger-in-the-tea-house',
    name: '茶馆里的虎',
    englishName: 'Tiger in the Tea House',
    description: '山中茶馆的老板坚称，每逢初一有一只老虎来喝茶。直到它真的推门进来。',
    englishDescription:
      'The landlord swears that a tiger comes for tea on the first of the month. Then it opens the door.',
    duration: 102,
    movieType: '奇幻 / 喜剧',
    playingType: '3D',
    daysOut: 7,
    recommended: false,
    scene: 'mountains',
    colours: ['#ffb45c', '#e2663d', '#4a1f1a', '#fff0c2'],
  },
  {
    slug: 'second-tide',
    name: '第二次潮汐',
    englishName: 'Second Tide',
    description: '渔村的潮水一天只该来两次。第三次来的时候，带回了二十年前失踪的船。',
    englishDescription:
      'The tide comes twice a day. When it came a third time it brought back a boat that was lost twenty years ago.',
    duration: 118,
    movieType: '悬疑 / 惊悚',
    playingType: 'IMAX',
    daysOut: 2,
    recommended: true,
    scene: 'sea',
    colours: ['#2b1331', '#c4574e', '#190a1c', '#ffe3b3'],
  },
  {
    slug: 'signal-box-nine',
    name: '九号信号房',
    englishName: 'Signal Box Nine',
    description: '铁路支线即将关闭，最后一位信号员收到一列不在时刻表上的火车。',
    englishDescription:
      'The branch line is about to close when the last signalman is offered a train that is on no timetable.',
    duration: 109,
    movieType: '悬疑',
    playingType: '2D',
    daysOut: 14,
    recommended: false,
    scene: 'rain',
    colours: ['#20263f', '#5a6f8f', '#10131f', '#ff5d5d'],
  },
  {
    slug: 'the-kite-engineers',
    name: '风筝工程师',
    englishName: 'The Kite Engineers',
    description: '三个小学生要造一只能载人的风筝，并且已经借到了校长的自行车。',
    englishDescription:
      'Three pupils build a kite that can carry a person, and have already borrowed the headmaster’s bicycle.',
    duration: 88,
    movieType: '家庭 / 动画',
    playingType: '3D',
    daysOut: 10,
    recommended: false,
    scene: 'forest',
    colours: ['#8fd3ff', '#d8f0c8', '#3a8f6a', '#ffffff'],
  },
  {
    slug: 'quiet-machines',
    name: '安静的机器',
    englishName: 'Quiet Machines',
    description: '一座城市里的机器在同一天停止了噪音。只有调音师觉得不安。',
    englishDescription:
      'On the same day all the machines of a city stop making noise. Only the piano tuner is worried.',
    duration: 121,
    movieType: '科幻 / 悬疑',
    playingType: 'IMAX',
    daysOut: -12,
    recommended: false,
    scene: 'city',
    colours: ['#0e2f33', '#3f8f86', '#071819', '#f4ffd6'],
  },
  {
    slug: 'the-long-way-to-mars',
    name: '绕远去火星',
    englishName: 'The Long Way to Mars',
    description: '飞船上唯一的乘客是一位坚持要自己开车去的退休出租车司机。',
    englishDescription:
      'The only passenger aboard is a retired taxi driver who insists that he would rather have driven.',
    duration: 115,
    movieType: '喜剧 / 科幻',
    playingType: '3D',
    daysOut: -25,
    recommended: false,
    scene: 'orbit',
    colours: ['#2a0f14', '#b5482f', '#14070a', '#ffe0b0'],
  },
];
